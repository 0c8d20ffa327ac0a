"""Resize in every mode and form, Upsample, and the operators that trade channels for pixels."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from rkgraph.probe.case import ABSENT, Arg, Case, case, computed, const, positions
from rkgraph.probe.schemas import TAKEN

__all__ = ["cases"]

MODES = ("nearest", "linear", "cubic")
TRANSFORMS = ("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel", "half_pixel_symmetric")
ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
PLANE = computed(1, 5, 10, 14)


def scales(*values: float) -> Arg:
    """Constant scales."""
    return const(*values, dtype="float")


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _modes()
    yield from _factors()
    yield from _ranks_and_axes()
    yield from _forms()
    yield from _upsample()
    yield from _pixels()


def _modes() -> Iterator[Case]:
    for mode, transform in product(MODES, TRANSFORMS):
        written = f'mode = "{mode}", coordinate_transformation_mode = "{transform}"'
        opset = 19 if transform == "half_pixel_symmetric" else 17
        for slug, more in (
            ("x2", [ABSENT, scales(1, 1, 2, 2)]),
            ("down", [ABSENT, scales(1, 1, 0.5, 0.5)]),
            ("odd", [ABSENT, ABSENT, const(1, 5, 13, 23)]),
            ("sizes2", [ABSENT, ABSENT, const(1, 5, 20, 28)]),
        ):
            name = f"float,r4,{mode},{transform},{slug}"
            yield case("Resize", name, [PLANE, *more], written, opset=opset)
            if slug in ("x2", "odd"):
                yield case("Resize", name, [PLANE, *more], written, opset=opset, position="between")
    for transform, rounding in product(TRANSFORMS, ROUNDINGS):
        written = f'mode = "nearest", coordinate_transformation_mode = "{transform}", nearest_mode = "{rounding}"'
        opset = 19 if transform == "half_pixel_symmetric" else 17
        for slug, more in (
            ("x2", [ABSENT, scales(1, 1, 2, 2)]),
            ("odd", [ABSENT, ABSENT, const(1, 5, 13, 23)]),
        ):
            yield case("Resize", f"float,r4,{transform},{rounding},{slug}", [PLANE, *more], written, opset=opset)
    for mode in ("linear", "cubic"):
        for slug, factors in (("x2", scales(1, 1, 2, 2)), ("down", scales(1, 1, 0.6, 0.6))):
            for attribute in ("exclude_outside = 1", "cubic_coeff_a = -0.5", "extrapolation_value = 2.0"):
                name = f"float,r4,{mode},{attribute.split()[0]},{slug}"
                yield case("Resize", name, [PLANE, ABSENT, factors], f'mode = "{mode}", {attribute}')
            for opset in (18, 19):
                written = f'mode = "{mode}", antialias = 1'
                yield case(
                    "Resize",
                    f"float,r4,{mode},antialias,{slug},opset{opset}",
                    [PLANE, ABSENT, factors],
                    written,
                    opset=opset,
                )


def _factors() -> Iterator[Case]:
    for mode in ("nearest", "linear"):
        for factor in (1, 1.5, 2, 3, 4, 5, 7, 8, 9, 16, 0.5, 0.25, 0.7):
            args = [PLANE, ABSENT, scales(1, 1, factor, factor)]
            yield case("Resize", f"float,r4,{mode},x{factor}", args, f'mode = "{mode}"')
        for slug, factors in (
            ("height", (1, 1, 2, 1)),
            ("width", (1, 1, 1, 2)),
            ("unequal", (1, 1, 2, 3)),
            ("channels", (1, 2, 1, 1)),
            ("channels-too", (1, 2, 2, 2)),
            ("batch", (2, 1, 2, 2)),
            ("up-and-down", (1, 1, 2, 0.5)),
        ):
            args = [PLANE, ABSENT, scales(*factors)]
            yield case("Resize", f"float,r4,{mode},{slug}", args, f'mode = "{mode}"')
        for channels in (1, 3, 8, 16, 17, 64, 8192):
            args = [computed(1, channels, 4, 6), ABSENT, scales(1, 1, 2, 2)]
            yield case("Resize", f"float,r4,{mode},channels{channels}", args, f'mode = "{mode}"')
        yield case(
            "Resize", f"float,r4,{mode},batch3", [computed(3, 5, 8, 12), ABSENT, scales(1, 1, 2, 2)], f'mode = "{mode}"'
        )
        yield case("Resize", f"float,r4,{mode},to-one", [PLANE, ABSENT, ABSENT, const(1, 5, 1, 1)], f'mode = "{mode}"')
        yield case(
            "Resize",
            f"float,r4,{mode},from-one",
            [computed(1, 5, 1, 1), ABSENT, ABSENT, const(1, 5, 9, 11)],
            f'mode = "{mode}"',
        )
        yield case(
            "Resize", f"float,r4,{mode},wide", [computed(1, 5, 4, 5000), ABSENT, scales(1, 1, 2, 2)], f'mode = "{mode}"'
        )


def _ranks_and_axes() -> Iterator[Case]:
    for mode in MODES[:2]:
        for rank, shape in {1: (14,), 2: (10, 14), 3: (1, 10, 14), 5: (1, 3, 4, 6, 8), 6: (1, 2, 3, 4, 6, 5)}.items():
            factors = (*[1.0] * max(0, rank - 2), *[2.0] * min(2, rank))
            yield case(
                "Resize", f"float,r{rank},{mode}", [computed(*shape), ABSENT, scales(*factors)], f'mode = "{mode}"'
            )
        for shape in ((1, 9, 16), (1, 3, 4, 6, 5)):
            rank, spatial = len(shape), scales(1, 1, *[2] * (len(shape) - 2))
            args = [computed(*shape), ABSENT, spatial]
            yield from positions("Resize", f"float,r{rank},{mode},spatial", args, f'mode = "{mode}"')
        for opset in (18, 19):
            for slug, axes, more in (
                ("scales", "2, 3", [ABSENT, scales(2, 2)]),
                ("sizes", "2, 3", [ABSENT, ABSENT, const(15, 21)]),
                ("swapped", "3, 2", [ABSENT, scales(2, 3)]),
                ("negative", "-2, -1", [ABSENT, scales(2, 2)]),
                ("one", "3", [ABSENT, scales(2)]),
            ):
                name = f"float,r4,{mode},axes,{slug},opset{opset}"
                yield case("Resize", name, [PLANE, *more], f'mode = "{mode}", axes = [{axes}]', opset=opset)
            for policy in ("stretch", "not_larger", "not_smaller"):
                written = f'mode = "{mode}", keep_aspect_ratio_policy = "{policy}"'
                yield case(
                    "Resize",
                    f"float,r4,{mode},{policy},opset{opset}",
                    [PLANE, ABSENT, ABSENT, const(1, 5, 15, 30)],
                    written,
                    opset=opset,
                )
                written += ", axes = [2, 3]"
                yield case(
                    "Resize",
                    f"float,r4,{mode},{policy},axes,opset{opset}",
                    [PLANE, ABSENT, ABSENT, const(15, 30)],
                    written,
                    opset=opset,
                )


def _forms() -> Iterator[Case]:
    """Scales, sizes and roi constant, computed, empty; dtypes; opsets."""
    for opset in (11, 13, 18, 19):
        for mode in MODES if opset in (11, 18) else MODES[:2]:
            yield from _inputs(opset, mode)
    for mode in ("nearest", "linear"):
        args, written = [PLANE, scales(1, 1, 2, 2)], f'mode = "{mode}"'
        yield from positions("Resize", f"float,r4,{mode},opset10", args, written, opset=10)
        down = [PLANE, scales(1, 1, 0.5, 0.5)]
        yield case("Resize", f"float,r4,{mode},down,opset10", down, written, opset=10)
        yield case("Resize", f"float,r4,{mode},computed,opset10", [PLANE, computed(4)], written, opset=10)
        for dtype in TAKEN:
            if dtype != "bool":
                args = [computed(1, 5, 10, 14, dtype=dtype), ABSENT, scales(1, 1, 2, 2)]
                yield case("Resize", f"{dtype},r4,{mode}", args, written)
    yield case("Resize", "float,r4,defaults", [PLANE, ABSENT, scales(1, 1, 2, 2)])


def _inputs(opset: int, mode: str) -> Iterator[Case]:
    """Opset 11 demands a roi, and scales even where there are sizes."""
    x, written, name = computed(1, 5, opset, 12), f'mode = "{mode}"', f"float,r4,{mode}"
    double, whole = scales(1, 1, 2, 2), scales(*[0.0] * 4, *[1.0] * 4) if opset == 11 else ABSENT
    yield case("Resize", f"{name},const,opset{opset}", [x, whole, double], written, opset=opset)
    yield case("Resize", f"{name},computed-scales,opset{opset}", [x, whole, computed(4)], written, opset=opset)
    crop = f'{written}, coordinate_transformation_mode = "tf_crop_and_resize"'
    roi = scales(0, 0, 0.25, 0.25, 1, 1, 0.75, 0.75)
    yield case("Resize", f"{name},crop,scales,opset{opset}", [x, roi, double], crop, opset=opset)
    yield case("Resize", f"{name},crop,computed-roi,opset{opset}", [x, computed(8), double], crop, opset=opset)
    if opset == 11:
        return
    sizes = [x, ABSENT, ABSENT, const(1, 5, 2 * opset, 24)]
    yield case("Resize", f"{name},sizes,opset{opset}", sizes, written, opset=opset)
    sizes[3] = computed(4, dtype="int64")
    yield case("Resize", f"{name},computed-sizes,opset{opset}", sizes, written, opset=opset)
    cropped = [x, roi, ABSENT, const(1, 5, 9, 11)]
    yield case("Resize", f"{name},crop,sizes,opset{opset}", cropped, crop, opset=opset)
    yield case("Resize", f"{name},roi,opset{opset}", [x, roi, double], written, opset=opset)


def _upsample() -> Iterator[Case]:
    for opset in (7, 9):
        for mode in ("nearest", "linear"):
            for factors in ((1.0, 1.0, 2.0, 2.0), (1.0, 1.0, 3.0, 2.0), (1.0, 1.0, 1.5, 1.5)):
                slug = f"float,r4,{mode},x{factors[2]:g},opset{opset}"
                values = ", ".join(map(str, factors))
                if opset == 7:
                    yield case("Upsample", slug, [PLANE], f'mode = "{mode}", scales = [{values}]', opset=7)
                else:
                    yield from positions("Upsample", slug, [PLANE, scales(*factors)], f'mode = "{mode}"', opset=9)
    yield case("Upsample", "float,r4,computed", [PLANE, computed(4)], opset=9)
    for shape, by in (((6, 10), scales(2, 2)), ((1, 6, 10), scales(1, 1, 2)), ((1, 3, 4, 6, 5), scales(1, 1, 2, 2, 2))):
        yield case("Upsample", f"float,r{len(shape)}", [computed(*shape), by], opset=9)
    for dtype in ("float16", "int64", "int32", "double"):
        yield case("Upsample", f"{dtype},r4", [computed(1, 5, 6, 8, dtype=dtype), scales(1, 1, 2, 2)], opset=9)


def _pixels() -> Iterator[Case]:
    for block in (1, 2, 3, 4, 5, 8, 9):
        for mode in ("DCR", "CRD"):
            x = computed(1, 2 * block * block, 5, 6)
            yield from positions("DepthToSpace", f"float,{mode},{block}", [x], f'blocksize = {block}, mode = "{mode}"')
        yield from positions(
            "SpaceToDepth", f"float,{block}", [computed(1, 3, 2 * block, 3 * block)], f"blocksize = {block}"
        )
    for op, shape in (("DepthToSpace", (1, 12, 10, 14)), ("SpaceToDepth", (1, 5, 10, 14))):
        for dtype in TAKEN:
            yield case(op, f"{dtype}", [computed(*shape, dtype=dtype)], "blocksize = 2")
        for opset in (7, 11, 13, 19):
            yield case(op, f"float,opset{opset}", [computed(1, 16, 6, 2 * opset)], "blocksize = 2", opset=opset)
        yield case(op, "float,batch", [computed(3, *shape[1:])], "blocksize = 2")
        for channels in (4, 64, 1024):
            yield case(op, f"float,channels{channels}", [computed(1, channels, 4, 6)], "blocksize = 2")
        yield case(op, "float,wide", [computed(1, 8, 4, 9000)], "blocksize = 2")
