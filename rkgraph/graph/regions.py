"""Which part of a model an edit touched, cut so that it can be compared before and after on its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set

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
    sides = tuple(_frontier(makers[i], outputs[i], frozenset(inside[i])) - fixed for i in (0, 1))
    cut = _level(
        _Flow(before, fixed), {name: (name in sides[0]) + 2 * (name in sides[1]) for name in set().union(*sides)}
    )
    order = {name: index for index, name in enumerate(makers[0])}
    inputs = tuple(sorted(cut, key=lambda name: (order.get(name, -1), name)))
    return Region(inputs, tuple(outputs[0])), Region(inputs, tuple(outputs[1]))


_BOTH = 3


class _Flow:
    """Which values each node of a sorted graph makes of which, constants left out."""

    def __init__(self, graph: onnx.GraphProto, fixed: Set[str]) -> None:
        self.nodes = [
            (tuple(filter(None, node.output)), tuple(name for name in node_reads(node) if name not in fixed))
            for node in graph.node
        ]

    def below(self, marked: Set[str]) -> set[str]:
        """The values computed from marked ones."""
        found: set[str] = set()
        for made, reads in self.nodes:
            if any(name in marked or name in found for name in reads):
                found.update(made)
        return found


def _level(flow: _Flow, sides: Mapping[str, int]) -> Set[str]:
    """Move the cut upwards where one side (1) reads a value and the other (2) only what it is computed from.

    A sweep goes through all nodes once, last to first, and moves whole chains; another one follows only where a move
    has made a value odd that something already passed depends on.
    """
    cut = dict(sides)
    while True:
        odd = {name for name, side in cut.items() if side != _BOTH}
        below = flow.below(odd)
        if not odd & below:
            return cut.keys()
        for made, reads in reversed(flow.nodes):
            for name in made:
                if name in below and cut.get(name, _BOTH) != _BOTH:
                    side = cut.pop(name)
                    cut.update({read: cut.get(read, 0) | side for read in reads})


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
