"""Reductions: Reduce* over every form of axes, ArgMax and ArgMin."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import ABSENT, Arg, Case, case, computed, const, positions

__all__ = ["cases"]

REDUCTIONS = (
    *("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL2"),
    *("ReduceProd", "ReduceL1", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"),
)
COMMON = REDUCTIONS[:5]
"""Those that the compiler knows in at least one form; they get every rank and axis."""

NUMBERS = ("float16", "double", "int64", "int32")
"""What every reduction takes besides float, of the types that the toolkits take as inputs of a model."""

SHAPES = {1: (40,), 2: (7, 20), 3: (5, 6, 18), 4: (1, 9, 10, 14), 5: (1, 3, 4, 6, 10), 6: (1, 2, 3, 4, 5, 6)}

BATCHED = {2: (1, 30), 3: (1, 11, 26), 4: (3, 8, 6, 10), 5: (2, 3, 4, 5, 6)}
"""The same ranks with a batch of one where the others have more, and the other way round."""

AXES = {
    1: ((0,),),
    2: ((0,), (1,), (0, 1)),
    3: ((0,), (1,), (2,), (1, 2), (0, 2), (0, 1, 2)),
    4: ((0,), (1,), (2,), (3,), (2, 3), (1, 2), (1, 3), (1, 2, 3), (0, 2, 3), (0, 1, 2, 3)),
    5: ((0,), (1,), (2,), (4,), (3, 4), (2, 3, 4), (1, 2), (1, 2, 3, 4)),
    6: ((5,), (1,), (4, 5)),
}


def cases() -> Iterator[Case]:
    """All cases of this file."""
    for op in REDUCTIONS:
        yield from _over_axes(op)
        yield from _over_dtypes(op)
        yield from _over_opsets(op)
        yield from _over_forms(op)
    for op in ("ReduceSum", "ReduceMean", "ReduceMax"):
        yield from _over_sizes(op)
    yield from _positions_of_extremes()


def reduce(
    op: str, slug: str, x: Arg, axes: tuple[int, ...] | None, *, keep: int = 1, opset: int = 17, position: str = "alone"
) -> Case:
    """A reduction with constant axes, as an attribute or an input as its opset has it; None leaves them out."""
    keepdims = f"keepdims = {keep}"
    if axes is None:
        return case(op, slug, [x], keepdims, opset=opset, position=position)
    if opset >= (13 if op == "ReduceSum" else 18):
        return case(op, slug, [x, const(*axes)], keepdims, opset=opset, position=position)
    written = f"axes = [{', '.join(map(str, axes))}], {keepdims}"
    return case(op, slug, [x], written, opset=opset, position=position)


def _name(axes: tuple[int, ...] | None) -> str:
    return "all" if axes is None else f"axes{''.join(map(str, axes))}"


def _over_axes(op: str) -> Iterator[Case]:
    """Rank and axes; what is common also between neighbours, with a batch and without keepdims."""
    for rank, shape in SHAPES.items():
        for axes in (*AXES[rank], None) if op in COMMON else sorted({AXES[rank][-1], (rank - 1,)}):
            slug = f"float,r{rank},{_name(axes)}"
            yield reduce(op, slug, computed(*shape), axes)
            if op not in COMMON:
                continue
            if rank < 5 and (axes != (0,) or rank < 3):
                yield reduce(op, slug, computed(*shape), axes, position="between")
            if op in ("ReduceMin", "ReduceL2"):
                continue
            yield reduce(op, f"{slug},drop", computed(*shape), axes, keep=0)
            if rank in BATCHED and axes is not None and len(axes) < 3:
                yield reduce(op, f"{slug},other-batch", computed(*BATCHED[rank]), axes)
    for axes in ((2, 0, 3, 1), (3, 2, 1), (-1, 1)):
        yield reduce(op, f"float,r4,{_name(axes)}", computed(2, 6, 10, 14), axes)
    for axes in ((-1,), (-2, -1), (2, 1)):
        yield reduce(op, f"float,r3,{_name(axes)}", computed(4, 10, 14), axes)


def _over_dtypes(op: str) -> Iterator[Case]:
    small = ("int8", "uint8") if op in ("ReduceMax", "ReduceMin") else ()
    for dtype in (*NUMBERS, *small):
        yield reduce(op, f"{dtype},r3", computed(3, 10, 22, dtype=dtype), (-1,))
        yield reduce(op, f"{dtype},r4,opset18", computed(1, 5, 12, 16, dtype=dtype), (2, 3), opset=18)
        if op in COMMON:
            yield reduce(op, f"{dtype},r2,drop", computed(9, 14, dtype=dtype), (1,), keep=0)
            yield reduce(op, f"{dtype},r1,all", computed(44, dtype=dtype), None)
    for dtype in ("int64", "int32"):
        for position in ("between", "inside"):
            yield reduce(op, f"{dtype},r3", computed(1, 10, 28, dtype=dtype), (2,), position=position)


def _over_opsets(op: str) -> Iterator[Case]:
    for opset in (7, 11, 13, 18, 19) if op in COMMON else (7, 18):
        x = computed(1, 6, opset + 3, 20)
        yield reduce(op, f"float,r4,opset{opset}", x, (2,), opset=opset)
        yield reduce(op, f"float,r4,all,opset{opset}", x, None, keep=0, opset=opset)
        if opset >= 11:
            yield reduce(op, f"float,r3,last,opset{opset}", computed(2, opset, 30), (-1,), keep=0, opset=opset)


def _over_forms(op: str) -> Iterator[Case]:
    """Axes as an input: computed, left out, empty; with noop_with_empty_axes."""
    axes = computed(1, dtype="int64")
    opset = 13 if op == "ReduceSum" else 18
    for keep in (1, 0) if op in COMMON else (1,):
        for rank in (1, 2, 3, 4, 5) if keep and op in COMMON else (2, 4):
            slug = f"float,r{rank},computed-axes{'' if keep else ',drop'}"
            yield case(op, slug, [computed(*SHAPES[rank]), axes], f"keepdims = {keep}", opset=opset)
        noop = f"keepdims = {keep}, noop_with_empty_axes = 1"
        for slug, given in (("computed", axes), ("none", ABSENT), ("const", const(1))):
            x = computed(1, 14, 22)
            yield case(op, f"float,r3,noop,{slug},keep{keep}", [x, given], noop, opset=opset)
    for opset in (18, 19) if op != "ReduceSum" else (15, 18, 19):
        x = computed(4, 9, 16)
        yield case(op, f"float,r3,computed-two-axes,opset{opset}", [x, computed(2, dtype="int64")], opset=opset)
    for dtype in ("int64", "double"):
        yield case(op, f"{dtype},r3,computed-axes", [computed(4, 8, 18, dtype=dtype), axes], opset=opset)
    yield case(op, "float,r4,defaults", [computed(1, 4, 18, 12)], opset=opset)


def _over_sizes(op: str) -> Iterator[Case]:
    """Lengths at and around the compiler's register fields."""
    for length in (4096, 8191, 8192, 16384):
        yield reduce(op, f"float,r3,last{length}", computed(1, 6, length), (2,))
        yield reduce(op, f"float,r3,middle{length}", computed(1, length, 10), (1,))
        yield reduce(op, f"float,r4,channel{length}", computed(1, length, 4, 6), (1,))
        yield reduce(op, f"float,r2,last{length}", computed(3, length), (1,))
    for rows, columns in ((64, 64), (90, 91), (96, 96), (128, 128)):
        yield reduce(op, f"float,r4,plane{rows * columns}", computed(1, 7, rows, columns), (2, 3))
        yield reduce(op, f"float,r4,width,plane{rows * columns}", computed(1, 7, rows, columns), (3,))
    yield reduce(op, "float,r4,one-channel", computed(1, 1, 14, 20), (2, 3))
    yield reduce(op, "float,r4,single", computed(1, 6, 1, 20), (2,))
    yield reduce(op, "float,r3,single", computed(4, 6, 1), (2,))


def _positions_of_extremes() -> Iterator[Case]:
    for op in ("ArgMax", "ArgMin"):
        for rank in (1, 2, 3, 4, 5) if op == "ArgMax" else (2, 3, 4):
            for axis in range(rank):
                x = computed(*SHAPES[rank])
                yield case(op, f"float,r{rank},axis{axis}", [x], f"axis = {axis}")
                yield case(op, f"float,r{rank},axis{axis},drop", [x], f"axis = {axis - rank}, keepdims = 0")
                if op == "ArgMax" and axis > 0:
                    yield case(op, f"float,r{rank},axis{axis}", [x], f"axis = {axis}", position="between")
        for dtype in (*NUMBERS, "int8", "uint8"):
            yield case(op, f"{dtype},r2", [computed(6, 26, dtype=dtype)], "axis = 1")
            yield case(op, f"{dtype},r4", [computed(1, 6, 8, 22, dtype=dtype)], "axis = 1, keepdims = 0")
        for dtype in ("int32", "int64"):
            x = computed(1, 16, 22, dtype=dtype)
            yield from positions(op, f"{dtype},r3", [x], "axis = 2")
        for last in (0, 1):
            for opset in (12, 13, 19):
                x = computed(3, opset, 10)
                slug = f"float,r3,last-index{last},opset{opset}"
                yield case(op, slug, [x], f"axis = -1, select_last_index = {last}", opset=opset)
        for opset in (7, 11):
            yield case(op, f"float,r4,opset{opset}", [computed(1, 9, opset, 12)], "axis = 1", opset=opset)
        yield case(op, "float,r3,defaults", [computed(4, 10, 12)])
        for length in (1000, 8191, 8192, 32000):
            yield case(op, f"float,r2,last{length}", [computed(1, length)], "axis = 1")
            yield case(op, f"float,r4,channel{length}", [computed(1, length, 4, 6)], "axis = 1")
