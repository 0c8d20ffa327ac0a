"""Nodes of two placements matched with each other, whatever became of their names.

A report knows nodes by operator, name and outputs. Those with the same outputs are the same; then those of the same
name and operator; what is left is matched by the order of operators, which a re-export keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from rkgraph.diagnostics import Device
from rkgraph.results import PlacedNode

__all__ = ["Matched", "match_nodes"]

_ALIGNED = 1000
"""More nodes are matched by order only where both have the same operators: aligning takes time in the square."""


@dataclass(frozen=True)
class Matched:
    """Pairs of nodes, and the nodes that only one side has; each in the order of the file."""

    pairs: tuple[tuple[PlacedNode, PlacedNode], ...]
    gone: tuple[PlacedNode, ...]
    new: tuple[PlacedNode, ...]

    @property
    def moved(self) -> tuple[tuple[PlacedNode, PlacedNode], ...]:
        """The pairs that run elsewhere now."""
        return tuple((old, new) for old, new in self.pairs if old.device is not new.device)

    def moves(self) -> dict[tuple[Device, Device], int]:
        """How many nodes moved from where to where, the most common first."""
        counts: dict[tuple[Device, Device], int] = {}
        for old, new in self.moved:
            counts[old.device, new.device] = counts.get((old.device, new.device), 0) + 1
        return dict(sorted(counts.items(), key=lambda item: -item[1]))


def match_nodes(before: Sequence[PlacedNode], after: Sequence[PlacedNode]) -> Matched:
    """The nodes of both sides, each in at most one pair."""
    pairs: list[tuple[PlacedNode, PlacedNode]] = []
    left, right = list(before), list(after)
    for same in (_by(_outputs), _by(_name), _by_order):
        found = list(same(left, right))
        pairs += found
        taken = {id(node) for pair in found for node in pair}
        left = [node for node in left if id(node) not in taken]
        right = [node for node in right if id(node) not in taken]
    places = {id(node): place for place, node in enumerate(after)}
    pairs.sort(key=lambda pair: places[id(pair[1])])
    return Matched(tuple(pairs), tuple(left), tuple(right))


_Pairs = Iterator[tuple[PlacedNode, PlacedNode]]


def _outputs(node: PlacedNode) -> Hashable:
    return (node.graph, node.op, node.outputs) if node.outputs else None


def _name(node: PlacedNode) -> Hashable:
    return (node.graph, node.op, node.node) if node.node else None


def _by(key: Callable[[PlacedNode], Hashable]) -> Callable[[Sequence[PlacedNode], Sequence[PlacedNode]], _Pairs]:
    """Pairs of nodes that share a key, in order where several do."""

    def match(before: Sequence[PlacedNode], after: Sequence[PlacedNode]) -> _Pairs:
        waiting: dict[Hashable, list[PlacedNode]] = {}
        for node in reversed(before):
            if key(node) is not None:
                waiting.setdefault(key(node), []).append(node)
        for node in after:
            if waiting.get(key(node)):
                yield waiting[key(node)].pop(), node

    return match


def _by_order(before: Sequence[PlacedNode], after: Sequence[PlacedNode]) -> _Pairs:
    left, right = [node.op for node in before], [node.op for node in after]
    if left == right:
        yield from zip(before, after, strict=True)
    elif max(len(left), len(right)) <= _ALIGNED:
        for block in SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks():
            yield from zip(before[block.a : block.a + block.size], after[block.b : block.b + block.size], strict=True)
