"""What moves, cuts, joins and pads tensors without computing: mostly of any type and rank."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchmarks.drawn.case import FLOAT, Array, Case, Draw, Family, int64, outputs

__all__ = ["FAMILIES"]

FAR = 10**6
"""Beyond the end of every axis, as exporters write a slice to the end."""


def _tensor(draw: Draw, most: int = 6) -> Array:
    """A tensor of any common type, of one to `most` dimensions of 1 … 5."""
    dtype = draw.one((FLOAT, FLOAT, "int32", "int64", "uint8", "bool", "float16"))
    return draw.array(draw.shape(draw.whole(1, most), 1, 5), dtype)


def _transpose(draw: Draw) -> Case:
    x = _tensor(draw)
    return Case("Transpose", [x], {"perm": draw.chance.sample(range(x.ndim), x.ndim)}, 13)


def _slice(draw: Draw) -> Case:
    x = _tensor(draw)
    axes = draw.some(range(x.ndim), least=1)
    steps = [draw.one((1, 1, 2, -1, -2)) for _ in axes]
    starts, ends = [], []
    for axis, step in zip(axes, steps, strict=True):
        count = x.shape[axis]
        forward = 0 if draw.maybe(0.5) else draw.whole(-count, count - 1)
        starts.append(forward if step > 0 else count - 1)
        ends.append(FAR if step > 0 else -FAR)
    inputs = [x, int64(*starts), int64(*ends), int64(*axes), int64(*steps)]
    return Case("Slice", inputs, {}, draw.one((10, 13)), [1, 2, 3, 4])


def _concat(draw: Draw) -> Case:
    first = _tensor(draw)
    axis, inputs = draw.axis(first.ndim), [first]
    for _ in range(draw.whole(0, 3)):
        shape = list(first.shape)
        shape[axis] = draw.whole(1, 4)
        inputs.append(draw.array(shape, first.dtype.name))
    return Case("Concat", inputs, {"axis": axis}, 13)


def _split(draw: Draw) -> Case:
    like, parts = _tensor(draw), draw.wholes(draw.whole(1, 4), 1, 3)
    axis, shape = draw.whole(0, like.ndim - 1), list(like.shape)
    shape[axis] = sum(parts)
    x = draw.array(shape, like.dtype.name)
    return Case("Split", [x, int64(*parts)], {"axis": axis}, 13, [1], outputs(len(parts)))


def _tile(draw: Draw) -> Case:
    x = _tensor(draw)
    return Case("Tile", [x, int64(*draw.wholes(x.ndim, 1, 3))], {}, 13, [1])


def _expand(draw: Draw) -> Case:
    like = _tensor(draw)
    x = draw.array([1 if draw.maybe(0.5) else n for n in like.shape], like.dtype.name)
    return Case("Expand", [x, int64(*like.shape)], {}, 13, [1])


def _depth_to_space(draw: Draw) -> Case:
    x = draw.array((draw.one((1, 2)), 8, *draw.shape(2, 1, 5)))
    return Case("DepthToSpace", [x], {"blocksize": 2, "mode": draw.one(("DCR", "CRD"))}, 13)


def _space_to_depth(draw: Draw) -> Case:
    return Case("SpaceToDepth", [draw.array((draw.one((1, 2)), draw.whole(1, 3), 4, 6))], {"blocksize": 2}, 13)


def _flatten(draw: Draw) -> Case:
    x = _tensor(draw)
    return Case("Flatten", [x], {"axis": draw.whole(-x.ndim, x.ndim)}, 13)


def _squeeze(draw: Draw) -> Case:
    x = _tensor(draw, most=4)[None, ..., None]
    return Case("Squeeze", [x, draw.one((int64(0), int64(-1), int64(0, -1)))], {}, 13, [1])


def _unsqueeze(draw: Draw) -> Case:
    axes = draw.one((int64(0), int64(-1), int64(0, -1), int64(1)))
    return Case("Unsqueeze", [_tensor(draw, most=4), axes], {}, 13, [1])


def _reshape(draw: Draw) -> Case:
    wanted = draw.one(((-1,), (4, -1), (0, -1), (2, 1, 3, 1, 4), (3, 2, 2, 2)))
    return Case("Reshape", [draw.array((2, 3, 4), _tensor(draw).dtype.name), int64(*wanted)], {}, 13, [1])


def _reverse_sequence(draw: Draw) -> Case:
    lengths = draw.array((3,), "int64", 1, 5)
    attributes = {"time_axis": 0, "batch_axis": 1}
    return Case("ReverseSequence", [draw.array((4, 3, 2)), lengths], attributes, 10, draw.second_constant(0.5))


def _trilu(draw: Draw) -> Case:
    x = draw.array(draw.shape(draw.whole(2, 5), 2, 6), draw.one((FLOAT, FLOAT, "int32", "bool", "int64")))
    inputs = [x, np.array(draw.whole(-2, 2), np.int64)][: draw.one((1, 2))]
    return Case("Trilu", inputs, {"upper": draw.one((0, 1))}, 14, [1])


def _cumsum(draw: Draw) -> Case:
    rank = draw.whole(1, 6)
    x = draw.array(draw.shape(rank, 1, 5), draw.one((FLOAT, FLOAT, "int32", "int64", "float64")))
    attributes = {"exclusive": draw.one((0, 1)), "reverse": draw.one((0, 1))}
    return Case("CumSum", [x, np.array(draw.axis(rank), np.int64)], attributes, 14, [1])


def _one_hot(draw: Draw) -> Case:
    rank, depth = draw.whole(1, 3), draw.whole(3, 6)
    places = draw.array(draw.shape(rank, 1, 4), "int64", -depth, depth).astype(draw.one(("int64", "int32", FLOAT)))
    values = draw.array((2,), draw.one((FLOAT, "int32")))
    axis = draw.whole(-rank - 1, rank)
    return Case("OneHot", [places, np.array(depth, np.int64), values], {"axis": axis}, 11, [1, 2])


def _compress(draw: Draw) -> Case:
    x = draw.array(draw.shape(draw.whole(1, 6), 1, 5))
    kept = np.array([True, *(draw.maybe(0.5) for _ in range(len(x) - 1))])
    return Case("Compress", [x, kept], {"axis": 0}, 11, [1])


def _eye_like(draw: Draw) -> Case:
    return Case("EyeLike", [draw.array(draw.shape(2, 2, 5))], {"k": draw.whole(-1, 1)}, 13)


def _shape(draw: Draw) -> Case:
    return Case("Shape", [_tensor(draw)], {}, 13)


def _size(draw: Draw) -> Case:
    return Case("Size", [_tensor(draw)], {}, 13)


def _center_crop_pad(draw: Draw) -> Case:
    x = draw.array(draw.shape(draw.whole(1, 6), 1, 5))
    axes = draw.some(range(x.ndim), least=1)
    return Case("CenterCropPad", [x, int64(*draw.wholes(len(axes), 1, 7))], {"axes": axes}, 18, [1])


def _col2im(draw: Draw) -> Case:
    return Case("Col2Im", [draw.array((1, 8, 16)), int64(5, 5), int64(2, 2)], {}, 18, [1, 2])


def _non_zero(draw: Draw) -> Case:
    return Case("NonZero", [draw.array(draw.shape(2))], {}, 13)


def _identity(draw: Draw) -> Case:
    return Case("Identity", [_tensor(draw)], {}, 13)


MOVES: tuple[Family, ...] = (
    *(_transpose, _slice, _concat, _split, _tile, _expand, _depth_to_space, _space_to_depth, _flatten, _squeeze),
    *(_unsqueeze, _reshape, _reverse_sequence, _trilu, _cumsum, _one_hot, _compress, _eye_like, _shape, _size),
    *(_center_crop_pad, _col2im, _non_zero, _identity),
)


def move(draw: Draw) -> Case:
    """One of the operators that move, cut and join."""
    return draw.one(MOVES)(draw)


def pad(draw: Draw) -> Case:
    """Pad of any axes in the four modes, three of ten with negative pads among them."""
    rank, mode = draw.whole(1, 5), draw.one(("constant", "reflect", "edge", "wrap"))
    opset = 19 if mode == "wrap" else draw.one((11, 13, 18))
    pads = draw.wholes(2 * rank, -1 if draw.maybe(0.3) else 0, 2)
    if draw.maybe(0.5):
        for axis in range(min(2, rank)):
            pads[axis] = pads[rank + axis] = 0
    dtype = draw.one((FLOAT, FLOAT, FLOAT, "int32", "int64", "float16", "uint8"))
    inputs = [draw.array(draw.shape(rank, 3, 7), dtype), int64(*pads)]
    if mode == "constant" and draw.maybe(0.6):
        inputs.append(np.array(draw.one((0, 1, 3)), dtype))
    return Case("Pad", inputs, {"mode": mode}, opset, [1, 2])


FAMILIES: Mapping[str, Family] = {"Move": move, "Pad": pad}
