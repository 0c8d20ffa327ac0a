"""Which part of a model an edit touched, cut so that it can be compared before and after on its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import onnx

from rkgraph.graph.applied import Region
from rkgraph.graph.walk import node_reads

__all__ = ["touched_regions"]


def touched_regions(
    before: onnx.GraphProto,
    after: onnx.GraphProto,
    outputs: tuple[Sequence[str], Sequence[str]],
    inside: tuple[Iterable[str], Iterable[str]],
) -> tuple[Region, Region]:
    """The touched regions of two states of a graph.

    Args:
        before: the graph as it was.
        after: the graph as it is.
        outputs: values that are to agree, before and after, by position.
        inside: the values that are made by other nodes than in the other state, before and after.

    Returns:
        Two regions of the same inputs: the values, made alike in both states, at which the touched nodes begin.
        Inputs are free of each other as far as the touched nodes see them: where one side reads a value and the
        other only what it is computed from, the cut moves upwards until both read the same.
    """
    makers = (_makers(before), _makers(after))
    fixed = _constants(before) | _constants(after)
    sides = [_frontier(makers[i], outputs[i], frozenset(inside[i])) - fixed for i in (0, 1)]
    while True:
        odd = sides[0] ^ sides[1]
        deep = next((value for value in sorted(odd) if _ancestors(makers[0], value) & odd), None)
        if deep is None:
            break
        above = set(node_reads(makers[0][deep])) - fixed
        sides = [(side - {deep}) | above if deep in side else side for side in sides]
    order = {name: index for index, name in enumerate(makers[0])}
    inputs = tuple(sorted(sides[0] | sides[1], key=lambda name: (order.get(name, -1), name)))
    return Region(inputs, tuple(outputs[0])), Region(inputs, tuple(outputs[1]))


def _makers(graph: onnx.GraphProto) -> dict[str, onnx.NodeProto]:
    return {name: node for node in graph.node for name in node.output if name}


def _constants(graph: onnx.GraphProto) -> set[str]:
    given = {value.name for value in graph.input}
    names = {tensor.name for tensor in graph.initializer} | {s.values.name for s in graph.sparse_initializer}
    made = {name for node in graph.node if node.op_type == "Constant" for name in node.output}
    return (names - given) | made


def _frontier(makers: Mapping[str, onnx.NodeProto], outputs: Iterable[str], inside: frozenset[str]) -> set[str]:
    """The values that the nodes `inside` read from outside, as seen from `outputs`."""
    found, seen, pending = set(), set(), list(outputs)
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in inside and name in makers:
            pending += node_reads(makers[name])
        else:
            found.add(name)
    return found


def _ancestors(makers: Mapping[str, onnx.NodeProto], value: str) -> set[str]:
    """The values that `value` is computed from, itself not among them."""
    found: set[str] = set()
    pending = node_reads(makers[value]) if value in makers else []
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += node_reads(makers[name]) if name in makers else []
    return found
