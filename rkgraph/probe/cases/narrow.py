"""Integers through operators that move data: the compiler's converters know few layouts of the narrow ones."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import Arg, Case, case, computed, const

__all__ = ["cases", "forms_of"]

SHAPES = (
    *((40,), (6, 20), (2, 9, 14), (1, 9, 14), (1, 6, 10, 14), (1, 3, 10, 14), (1, 8, 6, 10), (1, 1, 8, 12)),
    *((2, 5, 6, 8), (1, 16, 1, 9), (1, 2, 4, 6, 10)),
)


def cases() -> Iterator[Case]:
    """All cases of this file: narrow integers everywhere, others where they differ from float as much."""
    for dtype in ("int8", "uint8", "int32", "int64", "bool"):
        for shape in SHAPES if dtype == "int8" else SHAPES[::2]:
            x = computed(*shape, dtype=dtype)
            for op, slug, args, attributes, outputs in forms_of(x):
                if dtype in ("int8", "uint8") or op in ("Pad", "GatherElements") or (dtype, op) == ("bool", "Slice"):
                    name = f"{dtype},{'x'.join(map(str, shape))},{slug}"
                    yield case(op, name, args, attributes, outputs=outputs)


def forms_of(x: Arg) -> Iterator[tuple[str, str, list[Arg], str, int]]:
    """Operator, slug, inputs, attributes and number of outputs, for each that fits the shape."""
    rank, last = len(x.shape), x.shape[-1]
    axes = sorted({min(1, rank - 1), rank - 1})
    for axis in axes:
        size, along = x.shape[axis], f"axis{axis}"
        if size > 2:
            yield "Slice", along, [x, const(1), const(size), const(axis)], "", 1
            yield "Gather", f"{along},constant", [x, const(0, size - 1)], f"axis = {axis}", 1
            yield "Gather", f"{along},constant-scalar", [x, const(1, shape=())], f"axis = {axis}", 1
        if size % 2 == 0:
            yield "Split", along, [x], f"axis = {axis}", 2
        yield "Concat", along, [x, x], f"axis = {axis}", 1
    pads = [0] * (2 * rank)
    pads[rank - 1], pads[-1] = 1, 2
    yield "Pad", "constant", [x, const(*pads)], "", 1
    yield "Pad", "edge", [x, const(*pads)], 'mode = "edge"', 1
    yield "Tile", "last", [x, const(*[1] * (rank - 1), 2)], "", 1
    yield "Reshape", "flat", [x, const(1, -1)], "", 1
    yield "Transpose", "last-two", [x], f"perm = [{', '.join(map(str, (*range(rank - 2), *_swapped(rank))))}]", 1
    yield "ReduceMax", "last", [x], f"axes = [{rank - 1}]", 1
    yield "ArgMax", "last", [x], f"axis = {rank - 1}", 1
    indices = const(*[i % last for i in range(2)] * _rows(x), shape=(*x.shape[:-1], 2))
    yield "GatherElements", "constant", [x, indices], f"axis = {rank - 1}", 1


def _swapped(rank: int) -> tuple[int, ...]:
    return (rank - 1, rank - 2) if rank > 1 else (0,)


def _rows(x: Arg) -> int:
    rows = 1
    for size in x.shape[:-1]:
        rows *= size
    return rows
