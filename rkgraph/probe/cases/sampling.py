"""Regions and grids: RoiAlign, MaxRoiPool, GridSample."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from rkgraph.probe.case import Case, case, computed, const, positions, weight

__all__ = ["cases"]


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _common()
    yield from _regions()
    yield from _grids()


def _common() -> Iterator[Case]:
    x = computed(1, 8, 12, 24)
    yield from positions("RoiAlign", "2d", [x, computed(3, 4), const(0, 0, 0)], "output_height = 4, output_width = 4")
    yield from positions("MaxRoiPool", "2d", [x, computed(3, 5)], "pooled_shape = [4,4]")
    for mode in ("bilinear", "nearest"):
        yield from positions("GridSample", mode, [x, computed(1, 6, 10, 2)], f'mode = "{mode}"')
        yield from positions("GridSample", f"{mode},const", [x, weight(1, 6, 10, 2)], f'mode = "{mode}"')


def _regions() -> Iterator[Case]:
    x, size = computed(1, 6, 25, 33), "output_height = 7, output_width = 7"
    forms = {
        "bare": "",
        "aligned": 'coordinate_transformation_mode = "half_pixel"',
        "unaligned": 'coordinate_transformation_mode = "output_half_pixel"',
        "average": 'mode = "avg"',
        "maximum": 'mode = "max"',
        "ratio2": "sampling_ratio = 2",
        "ratio2,scale": "sampling_ratio = 2, spatial_scale = 0.25",
        "ratio2,aligned": 'sampling_ratio = 2, coordinate_transformation_mode = "half_pixel"',
        "maximum,ratio2": 'mode = "max", sampling_ratio = 2',
    }
    for slug, attributes in forms.items():
        text = f"{size}{', ' if attributes else ''}{attributes}"
        regions, indices = computed(5, 4), computed(5, dtype="int64")
        yield case("RoiAlign", f"{slug},both", [x, regions, indices], text)
        yield case("RoiAlign", f"{slug},constant-indices", [x, regions, const(0, 0, 0, 0, 0)], text)
        if slug in ("bare", "ratio2", "aligned"):
            yield case("RoiAlign", f"{slug},constant-regions", [x, weight(5, 4), const(0, 0, 0, 0, 0)], text)
    for opset in (10, 13):
        yield case("RoiAlign", f"opset{opset}", [x, computed(5, 4), computed(5, dtype="int64")], size, opset=opset)
    yield case("RoiAlign", "defaults", [x, computed(5, 4), computed(5, dtype="int64")])
    yield case("RoiAlign", "one-region", [x, computed(1, 4), const(0)], size)
    yield case("RoiAlign", "batch2", [computed(2, 6, 25, 33), computed(5, 4), computed(5, dtype="int64")], size)
    yield case("RoiAlign", "one-channel", [computed(1, 1, 25, 33), computed(2, 4), computed(2, dtype="int64")], size)
    for dtype in ("float16", "double"):
        args = [computed(1, 6, 25, 33, dtype=dtype), computed(5, 4, dtype=dtype), computed(5, dtype="int64")]
        yield case("RoiAlign", dtype, args, size)
    for slug, attributes in {
        "square": "pooled_shape = [3,3]",
        "scale": "pooled_shape = [2,5], spatial_scale = 0.5",
    }.items():
        yield case("MaxRoiPool", f"{slug},computed", [x, computed(5, 5)], attributes)
        yield case(
            "MaxRoiPool", f"{slug},constant", [x, const(0, 1, 2, 9, 12, dtype="float", shape=(1, 5))], attributes
        )


def _grids() -> Iterator[Case]:
    x, grid = computed(1, 6, 19, 23), computed(1, 9, 14, 2)
    for mode, padding, corners in product(
        ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection"), (0, 1)
    ):
        attributes = f'mode = "{mode}", padding_mode = "{padding}", align_corners = {corners}'
        yield case("GridSample", f"{mode},{padding},corners{corners}", [x, grid], attributes)
        if padding == "zeros":
            yield case(
                "GridSample", f"{mode},{padding},corners{corners},constant", [x, weight(1, 9, 14, 2)], attributes
            )
    yield case("GridSample", "bare", [x, grid])
    yield case("GridSample", "batch3", [computed(3, 6, 19, 23), computed(3, 9, 14, 2)])
    yield case("GridSample", "one-channel", [computed(1, 1, 19, 23), grid])
    yield case("GridSample", "points", [computed(1, 16, 19, 23), computed(1, 100, 1, 2)], "align_corners = 0")
    yield case("GridSample", "same-size", [x, computed(1, 19, 23, 2)])
    for dtype in ("float16", "double", "int32", "int64", "uint8", "bool"):
        yield case("GridSample", dtype, [computed(1, 6, 19, 23, dtype=dtype), grid])
    yield case("GridSample", "opset16", [x, grid], opset=16)
    yield case("GridSample", "opset19", [x, grid], opset=19)
    yield case("GridSample", "constant-data", [weight(1, 6, 19, 23), grid])
