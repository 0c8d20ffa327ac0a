"""Which nodes are gone before the compiler lowers anything.

The toolkit runs every node by itself in ONNX Runtime (its `fold_constant` passes, 2.2.0 to 2.5.0): what depends on
constants only becomes a constant, whatever the operator, and Shape of a static shape does too, but not Size. It runs
dead nodes as well, and drops them later (`probe:model-laws/*`).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from functools import cached_property

from rkgraph.analysis.origins import RANDOM, Origin, captured, subgraphs, value_origins
from rkgraph.graph.view import GraphView, ModelView, Node
from rkgraph.records import Record

__all__ = ["Folding", "constancy", "fold", "folded_nodes"]

# Inputs that are sizes. Where an input of the model gives them as whole numbers, the toolkit feeds zeros while it
# builds: what is made of them is empty, and so a constant.
EMPTIED: Mapping[str, int] = {
    "BlackmanWindow": 0,
    "CenterCropPad": 1,
    "ConstantOfShape": 0,
    "HammingWindow": 0,
    "HannWindow": 0,
}

Places = frozenset[tuple[str, int]]
"""(graph path, node index) of nodes."""


class Folding(Record):
    """The nodes that are not lowered.

    Attributes:
        constant: they depend on constants and static shapes only, and all inside them; nodes in functions that nothing
            alive calls count, too.
        dead: they feed no output and are not constant; the toolkit runs and checks them before it drops them.
    """

    constant: Places
    dead: Places

    @cached_property
    def gone(self) -> Places:
        """Both."""
        return self.constant | self.dead

    def alive(self, graph: GraphView) -> tuple[Node, ...]:
        """The nodes of a graph of the model that are lowered, in file order."""
        found = self._alive.get(graph.path)
        if found is None:
            gone = self.gone
            found = self._alive[graph.path] = tuple(n for n in graph.nodes if (n.path, n.index) not in gone)
        return found

    @cached_property
    def _alive(self) -> dict[str, tuple[Node, ...]]:
        return {}


def constancy(graph: GraphView, folded: Container[tuple[str, int]]) -> Callable[[str], bool]:
    """Whether a value of `graph` is a constant, or made by a node that is among `folded`."""
    gone = {name for node in graph.nodes if (node.path, node.index) in folded for name in node.outputs}
    return lambda name: name in gone or graph.is_constant(name)


def folded_nodes(
    model: ModelView, origins: Mapping[str, Mapping[str, Origin]] | None = None, *, folds_random: bool = True
) -> Places:
    """The nodes that disappear before lowering: constant ones, dead ones, and all inside them."""
    return fold(model, origins, folds_random=folds_random).gone


def fold(
    model: ModelView, origins: Mapping[str, Mapping[str, Origin]] | None = None, *, folds_random: bool = True
) -> Folding:
    """What is not lowered, and why.

    Args:
        model: the model.
        origins: what `value_origins` says of it, if that is known.
        folds_random: random numbers that depend on constants only are drawn while building.
    """
    folder = _Folder(value_origins(model) if origins is None else origins, folds_random, set(), set(), set())
    folder.fold(model.main, frozenset())
    waiting = {function.path: function for function in model.functions}
    while ready := sorted(folder.called & waiting.keys()):
        for path in ready:
            folder.fold(waiting.pop(path), frozenset())
    for function in waiting.values():
        _add_all(function, folder.constant)
    return Folding(frozenset(folder.constant), frozenset(folder.dead))


@dataclass
class _Folder:
    """Walks graphs forwards for what is constant, then backwards for what is needed."""

    origins: Mapping[str, Mapping[str, Origin]]
    folds_random: bool
    constant: set[tuple[str, int]]
    dead: set[tuple[str, int]]
    called: set[str]

    def fold(self, graph: GraphView, outer: frozenset[str]) -> None:
        """Fold one graph; `outer` are the values of enclosing graphs that became constants."""
        known = self._forwards(graph, outer)
        self._backwards(graph, known)

    def _forwards(self, graph: GraphView, outer: frozenset[str]) -> frozenset[str]:
        known = set(outer)
        for node in graph.nodes:
            if self._is_constant(graph, node, known):
                known.update(filter(None, node.outputs))
                self.constant.add((node.path, node.index))
                for inner in subgraphs(node):
                    _add_all(inner, self.constant)
        return frozenset(known)

    def _is_constant(self, graph: GraphView, node: Node, known: set[str]) -> bool:
        standard = node.domain in ("", "ai.onnx")
        if standard and node.op == "Shape":
            return self.origins[graph.path][node.outputs[0]] is Origin.FIXED
        if standard and node.op in RANDOM and not self.folds_random:
            return False
        if standard and _is_emptied(graph, node):
            return True
        sources = {name for name in node.inputs if name}
        if not sources and not standard:
            return False
        for inner in subgraphs(node):
            sources |= captured(inner)
        return all(name in known or graph.is_constant(name) for name in sources)

    def _backwards(self, graph: GraphView, known: frozenset[str]) -> None:
        needed = set(graph.outputs)
        for node in reversed(graph.nodes):
            place = (node.path, node.index)
            if place in self.constant:
                continue
            if needed.isdisjoint(node.outputs):
                self.dead.add(place)
                for inner in subgraphs(node):
                    _add_all(inner, self.dead)
                continue
            needed.update(node.inputs)
            self.called.add(f"function:{node.domain}.{node.op}")
            for inner in subgraphs(node):
                self.fold(inner, known)
                needed.update(captured(inner))


def _is_emptied(graph: GraphView, node: Node) -> bool:
    position = EMPTIED.get(node.op)
    if position is None or position >= len(node.inputs):
        return False
    sizes = graph.value(node.inputs[position])
    return graph.parent is None and sizes.kind == "input" and sizes.dtype in ("int32", "int64")


def _add_all(graph: GraphView, places: set[tuple[str, int]]) -> None:
    for node in graph.nodes:
        places.add((node.path, node.index))
        for inner in subgraphs(node):
            _add_all(inner, places)
