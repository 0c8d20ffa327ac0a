"""What a node is, whatever it is called: an identity from its operator, attributes and neighbourhood.

Fingerprints rest on it, so that a baseline survives a re-export that renames every node, and edits far away. Nodes
that look alike (the layers of a transformer) share an identity; `numbered` tells them apart by their order.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable

from rkgraph.graph.view import GraphView, Node

__all__ = ["Identities", "numbered"]

RADIUS = 3
"""How many steps around a node belong to its identity: fewer confuse more nodes, more outlive fewer edits."""


class Identities:
    """Identities of the nodes and values of one graph. Names count only for inputs and outputs of the model."""

    def __init__(self, graph: GraphView) -> None:
        self._graph = graph
        self._known: dict[tuple[int, int], str] = {}

    def of_node(self, node: Node, radius: int = RADIUS) -> str:
        """Hash of the node and all around it up to `radius` steps; shapes do not count, so pinning keeps it."""
        key = (node.index, radius)
        if key not in self._known:
            self._known[key] = _hash(self._core(node)) if radius == 0 else self._around(node, radius - 1)
        return self._known[key]

    def of_value(self, name: str) -> str:
        """Identity of a value by what makes it, or else by what reads it; interface values go by their name."""
        graph = self._graph
        if graph.parent is None and name in (*graph.inputs, *graph.outputs):
            return _hash(("interface", name))
        producer = graph.producer(name)
        if producer is not None:
            return _hash(("output", str(producer.outputs.index(name)), self.of_node(producer)))
        readers = sorted((self.of_node(node), node.inputs.index(name)) for node in graph.consumers(name))
        return _hash(("source", *map(str, readers)))

    def _around(self, node: Node, radius: int) -> str:
        above = [self._source(name, radius) for name in node.inputs]
        below = [
            f"{position}:" + ",".join(sorted(self.of_node(reader, radius) for reader in self._graph.consumers(name)))
            for position, name in enumerate(node.outputs)
        ]
        return _hash((self.of_node(node, radius), *above, "→", *below))

    def _source(self, name: str, radius: int) -> str:
        if not name:
            return ""
        if self._graph.is_constant(name):
            return "constant"  # an initializer and a Constant node are the same thing
        producer = self._graph.producer(name)
        return self._graph.value(name).kind if producer is None else self.of_node(producer, radius)

    @staticmethod
    def _core(node: Node) -> tuple[str, ...]:
        attributes = (f"{k}={v!r}" for k, v in sorted(node.attributes.items()) if _is_plain(v))
        return (node.domain if node.domain != "ai.onnx" else "", node.op, *attributes)


def numbered(identities: Iterable[str]) -> list[str]:
    """Make identities unique by their order: the second "x" becomes "x#2"."""
    seen: Counter[str] = Counter()
    unique = []
    for identity in identities:
        seen[identity] += 1
        unique.append(identity if seen[identity] == 1 else f"{identity}#{seen[identity]}")
    return unique


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple):
        return all(_is_plain(item) for item in value)
    return isinstance(value, (int, float, str))


def _hash(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
