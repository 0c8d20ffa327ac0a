"""Resize and Upsample of every opset, and GridSample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.drawn.case import FLOAT, Array, Case, Draw, Family, int64

__all__ = ["FAMILIES"]

COORDINATES = ("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel", "half_pixel_symmetric")
NEAREST = ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")


def resize(draw: Draw) -> Case:
    """Resize from opset 11, by scales or to sizes."""
    rank = draw.one((3, 4, 4, 5))
    mode = draw.one(("nearest", "linear", "cubic") if rank == 4 else ("nearest", "linear"))
    attributes: dict[str, Any] = {"mode": mode, "coordinate_transformation_mode": draw.one(COORDINATES)}
    if mode == "nearest":
        attributes["nearest_mode"] = draw.one(NEAREST)
    if mode == "cubic":
        attributes |= {"cubic_coeff_a": draw.one((-0.75, -0.5)), "exclude_outside": draw.one((0, 1))}
    opset = draw.one((11, 13, 18, 19))
    if attributes["coordinate_transformation_mode"] == "half_pixel_symmetric":
        opset = 19
    if opset >= 18 and mode != "nearest" and draw.maybe(0.4):
        attributes["antialias"] = 1
    dtype = FLOAT if mode == "cubic" else draw.one((FLOAT, FLOAT, FLOAT, "uint8", "int32", "float16"))
    x = draw.array((draw.one((1, 2)), draw.whole(1, 4), *draw.shape(rank - 2, 3, 7)), dtype)
    # opset 11 has no optional inputs here: what is not given is empty
    nothing = np.zeros(0, np.float32) if opset == 11 else None
    inputs: list[Array | None] = [x, nothing]
    if draw.maybe(0.5):
        inputs.append(_scales([draw.one((0.5, 0.7, 1.5, 2, 2.3, 3)) for _ in range(rank - 2)]))
    else:
        inputs += [nothing, int64(*x.shape[:2], *draw.wholes(rank - 2, 2, 12))]
    return Case("Resize", inputs, attributes, opset, [1, 2, 3])


def resize_before_11(draw: Draw) -> Case:
    """Resize of opset 10 and Upsample of 7 and 9."""
    op, mode = draw.one(("Resize", "Upsample")), draw.one(("nearest", "linear"))
    rank, opset = draw.one((3, 4, 5)), 10 if op == "Resize" else draw.one((7, 9))
    x = draw.array((1, draw.whole(1, 4), *draw.shape(rank - 2, 3, 7)))
    smaller = (0.5,) if op == "Resize" else ()
    scales = _scales([draw.one((1.5, 2, 2.5, 3, *smaller)) for _ in range(rank - 2)])
    if opset == 7:
        return Case(op, [x], {"scales": scales.tolist(), "mode": mode}, opset)
    return Case(op, [x, scales], {"mode": mode}, opset, [1])


def _scales(spatial: list[float]) -> Array:
    return np.array([1, 1, *spatial], np.float32)


def grid_sample(draw: Draw) -> Case:
    """GridSample of planes and volumes, also outside of them."""
    rank = draw.one((2, 2, 2, 3))
    opset = 20 if rank == 3 else draw.one((16, 20))
    modes = ("bilinear", "nearest", "bicubic") if opset == 16 else ("linear", "nearest", "cubic")
    x = draw.array((draw.one((1, 2)), draw.whole(1, 3), *draw.shape(rank, 3, 7)))
    grid = draw.array((x.shape[0], *draw.shape(rank, 2, 5), rank), low=-1.3, high=1.3)
    attributes = {
        "mode": draw.one(modes if rank == 2 else modes[:2]),
        "padding_mode": draw.one(("zeros", "border", "reflection")),
        "align_corners": draw.one((0, 1)),
    }
    return Case("GridSample", [x, grid], attributes, opset, draw.second_constant(0.3))


FAMILIES: Mapping[str, Family] = {
    "Resize": resize,
    "ResizeBefore11": resize_before_11,
    "GridSample": grid_sample,
}
