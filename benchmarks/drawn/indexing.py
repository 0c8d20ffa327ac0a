"""Gathers and scatters, with negative indices, and scatters that reduce."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchmarks.drawn.case import FLOAT, Array, Case, Draw, Family, int64

__all__ = ["FAMILIES"]

REDUCTIONS: Mapping[int, tuple[str, ...]] = {
    11: ("none",),
    16: ("none", "add", "mul"),
    18: ("none", "add", "mul", "max", "min"),
}
"""What ScatterElements and ScatterND of an opset do where indices meet."""


def gather(draw: Draw) -> Case:
    """Gather with indices of no to three dimensions."""
    rank = draw.whole(1, 5)
    shape, axis = draw.shape(rank, 2, 7), draw.axis(rank)
    count = shape[axis]
    indices = draw.array(draw.shape(draw.whole(0, 3), 1, 4), draw.one(("int32", "int64")), -count, count)
    data = draw.array(shape, draw.one((FLOAT, FLOAT, "int32", "int64", "bool", "uint8", "float16")))
    return Case("Gather", [data, indices], {"axis": axis}, draw.one((11, 13)), draw.second_constant(0.5))


def gather_elements(draw: Draw) -> Case:
    """GatherElements of part of the other axes too."""
    rank = draw.whole(1, 5)
    shape, axis = draw.shape(rank, 2, 6), draw.axis(rank)
    taken = [draw.whole(1, n) if draw.maybe(0.3) else n for n in shape]
    taken[axis] = draw.whole(1, 6)
    indices = draw.array(taken, draw.one(("int32", "int64")), -shape[axis], shape[axis])
    data = draw.array(shape, draw.one((FLOAT, FLOAT, "int32", "bool")))
    return Case("GatherElements", [data, indices], {"axis": axis}, draw.one((11, 13)), draw.second_constant(0.5))


def gather_nd(draw: Draw) -> Case:
    """GatherND with and without a batch dimension."""
    rank, batch = draw.whole(2, 5), draw.one((0, 0, 1))
    shape, depth = draw.shape(rank, 2, 5), draw.whole(1, rank - batch)
    columns = [draw.array((*shape[:batch], 3), "int64", -n, n) for n in shape[batch : batch + depth]]
    data = draw.array(shape, draw.one((FLOAT, FLOAT, "int32", "uint8")))
    inputs = [data, np.stack(columns, -1)]
    return Case("GatherND", inputs, {"batch_dims": batch}, draw.one((12, 13)), draw.second_constant(0.5))


def scatter_elements(draw: Draw) -> Case:
    """ScatterElements; indices meet only where a reduction says what comes of it."""
    rank, opset = draw.whole(1, 4), draw.one((11, 16, 18))
    shape, axis = draw.shape(rank, 3, 6), draw.axis(rank)
    taken, count = list(shape), shape[axis]
    taken[axis] = draw.whole(1, count)
    reduction = draw.one(REDUCTIONS[opset])
    if reduction == "none":
        orders = np.broadcast_to(np.arange(count), (*np.delete(shape, axis), count))
        picked = draw.numbers.permuted(orders, axis=-1)[..., : taken[axis]]
        indices = np.moveaxis(picked, -1, axis)
    else:
        indices = draw.array(taken, "int64", 0, count)
    indices = _some_negative(draw, indices, int64(count)).astype(draw.one(("int32", "int64")))
    dtype = draw.one((FLOAT, FLOAT, FLOAT, "int32", "int64", "float16"))
    inputs = [draw.array(shape, dtype), indices, draw.array(taken, dtype)]
    attributes = {"axis": axis} if opset == 11 else {"axis": axis, "reduction": reduction}
    return Case("ScatterElements", inputs, attributes, opset, draw.second_constant(0.6))


def scatter(draw: Draw) -> Case:
    """Scatter, which ScatterElements replaced in opset 11."""
    rank = draw.whole(1, 3)
    shape, axis = draw.shape(rank, 3, 6), draw.whole(0, rank - 1)
    taken = tuple(2 if k == axis else n for k, n in enumerate(shape))
    column = int64(0, 2).reshape([2 if k == axis else 1 for k in range(rank)])
    inputs = [draw.array(shape), np.broadcast_to(column, taken).copy(), draw.array(taken)]
    return Case("Scatter", inputs, {"axis": axis}, draw.one((9, 10)), draw.second_constant(0.5))


def scatter_nd(draw: Draw) -> Case:
    """ScatterND of elements and of slices; places meet only where a reduction says what comes of it."""
    rank, opset = draw.whole(1, 4), draw.one((11, 16, 18))
    shape = draw.shape(rank, 3, 6)
    depth, reduction = draw.whole(1, rank), draw.one(REDUCTIONS[opset])
    places, count = int(np.prod(shape[:depth])), draw.whole(1, 4)
    if reduction == "none":
        flat = draw.numbers.permutation(places)[:count]
    else:
        flat = draw.numbers.integers(0, places, size=count)
    indices = np.stack(np.unravel_index(flat, shape[:depth]), -1)
    indices = _some_negative(draw, indices, int64(*shape[:depth])).astype(np.int64)
    dtype = draw.one((FLOAT, FLOAT, "int32", "int64"))
    inputs = [draw.array(shape, dtype), indices, draw.array((len(flat), *shape[depth:]), dtype)]
    attributes = {} if opset == 11 else {"reduction": reduction}
    return Case("ScatterND", inputs, attributes, opset, draw.second_constant(0.6))


def _some_negative(draw: Draw, indices: Array, counts: Array) -> Array:
    """The same indices, three of ten counted from the end."""
    return np.where(draw.numbers.random(indices.shape) < 0.3, indices - counts, indices)


FAMILIES: Mapping[str, Family] = {
    "Gather": gather,
    "GatherElements": gather_elements,
    "GatherND": gather_nd,
    "ScatterElements": scatter_elements,
    "Scatter": scatter,
    "ScatterND": scatter_nd,
}
