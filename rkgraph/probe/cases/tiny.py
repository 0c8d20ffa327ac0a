"""Operators that move data on tensors of a few elements, as unit tests and heads of models have them."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import Arg, Case, case, computed, const
from rkgraph.probe.cases.narrow import forms_of

__all__ = ["cases"]

SHAPES = ((5,), (3, 4), (4, 6), (2, 5, 3), (3, 1, 4), (1, 4, 3, 2), (3, 5, 4, 3), (6, 2, 4, 4), (2, 3, 2, 5, 3))


def cases() -> Iterator[Case]:
    """All cases of this file."""
    for shape in SHAPES:
        for dtype in ("float", "int64"):
            x = computed(*shape, dtype=dtype)
            for op, slug, args, attributes, outputs in (*forms_of(x), *_more(x)):
                name = f"{dtype},tiny,{'x'.join(map(str, shape))},{slug}"
                yield case(op, name, args, attributes, outputs=outputs)


def _more(x: Arg) -> Iterator[tuple[str, str, list[Arg], str, int]]:
    """Operator, slug, inputs, attributes and number of outputs of what narrow integers are not asked about."""
    rank = len(x.shape)
    for axis in sorted({0, rank - 1}):
        for number in (1, 3):
            index = computed(number, dtype="int64")
            yield "Gather", f"axis{axis},computed{number}", [x, index], f"axis = {axis}", 1
        yield "Gather", f"axis{axis},square", [x, computed(2, 2, dtype="int64")], f"axis = {axis}", 1
    for op in ("ReduceMean", "ReduceMin", "ReduceProd", "ReduceL2"):
        if not (op == "ReduceMean" and x.dtype == "int64"):
            yield op, "last", [x], f"axes = [{rank - 1}]", 1
    yield "ReduceSum", "first", [x, const(0)], "keepdims = 0", 1
    yield "Expand", "wider", [x, const(2, *x.shape)], "", 1
    yield "Unsqueeze", "first", [x, const(0)], "", 1
    yield "GatherND", "computed", [x, computed(2, 1, dtype="int64")], "", 1
    yield "ScatterND", "computed", [x, computed(2, 1, dtype="int64"), computed(2, *x.shape[1:], dtype=x.dtype)], "", 1
