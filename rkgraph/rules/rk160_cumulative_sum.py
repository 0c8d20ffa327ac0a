"""RK160: a CumSum that comes out wrong (its axis is negative), or that has no kernel (whole numbers)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Rewrite
from rkgraph.rulebook.known import FLOATS, NotKnown, constant_of, dtype_of, lower, shape_of
from rkgraph.rulebook.lowering import CANNOT_RUN, needing, not_as_it_is
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

_WRONG_IN = frozenset({"2.2.0", "2.3.0", "2.3.2"})
"""Toolkits that sum up wrongly along an axis that is counted from the end; 2.5.0 does it right (measured)."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each CumSum that cannot run, or whose numbers would be wrong."""
    for graph, node in needing(lint, {"CumSum"}, CANNOT_RUN | {"npu", "cpu"}):
        axis = graph.constant(node.inputs[1])
        if lint.judgement(node).outcome in CANNOT_RUN:
            yield not_as_it_is(lint, graph, node, "shifted sums, each of twice as many elements, make the same")
        elif axis is not None and axis.values[0] < 0 and lint.table.version in _WRONG_IN:
            yield Finding(
                f"{node.label} sums along axis {axis.values[0]}: rknn-toolkit2 {lint.table.version} computes wrong "
                "numbers where the axis is counted from the end",
                graph=graph.path,
                node=node,
                observed={"axis": axis.values[0]},
                limit={"axis": "0 or more"},
                wrong_numbers=True,
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The axis counted from the start; whole numbers summed up by doubling."""
    return lower(lint, finding, "rk160", _summed)


def _summed(graph: GraphView, node: Node, writer: Writer) -> Rewrite:
    x = node.inputs[0]
    shape, dtype = shape_of(graph, x), dtype_of(graph, x)
    axis = int(constant_of(graph, node.inputs[1])[0])
    if not -len(shape) <= axis < len(shape):
        raise NotKnown(f"{node.label} names the axis {axis} of a value of rank {len(shape)}")
    if axis < 0 and dtype in FLOATS:
        place = writer.constant(axis % len(shape), "int64", "axis")
        return writer.rewrite({node.outputs[0]: writer.op("CumSum", x, place, **node.attributes)}, EXACT)
    if dtype not in ("int32", "int64"):
        raise NotKnown(f"{x} is {dtype}; whole numbers are summed up as int32 or int64")
    axis, backwards = axis % len(shape), bool(node.attributes.get("reverse", 0))
    total = _shifted(writer, x, dtype, (shape, axis, 1), backwards) if node.attributes.get("exclusive", 0) else x
    reach = 1
    while reach < shape[axis]:  # each element holds the sum of `reach` elements that end there
        total = writer.op("Add", total, _shifted(writer, total, dtype, (shape, axis, reach), backwards))
        reach *= 2
    if total == x:
        total = writer.op("Identity", x)
    return writer.rewrite({node.outputs[0]: total}, EXACT, "sums of 1, 2, 4 … elements")


def _shifted(writer: Writer, value: str, dtype: str, where: tuple[tuple[int, ...], int, int], backwards: bool) -> str:
    """The value moved along an axis by some places, zeros where nothing comes from."""
    import numpy as np

    shape, axis, places = where
    zeros = writer.constant(np.zeros([*shape[:axis], places, *shape[axis + 1 :]]), dtype, "zeros")
    if places >= shape[axis]:
        return writer.slice(zeros, [axis], [0], [shape[axis]])
    start, end = (places, shape[axis]) if backwards else (0, shape[axis] - places)
    rest = writer.slice(value, [axis], [start], [end])
    return writer.concat([rest, zeros] if backwards else [zeros, rest], axis)
