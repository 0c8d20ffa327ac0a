"""What a node is, whatever it is called: an identity from its operator, attributes and neighbourhood.

Fingerprints rest on it, so that a baseline survives a re-export that renames and reorders every node, other weights,
pinned shapes, and edits far away. The neighbourhood is refined step by step as by Weisfeiler and Lehman ("The reduction
of a graph to canonical form", 1968): the colour of a node at radius r is its colour at r − 1 with those of its
neighbours. Nodes that are alike as far as that sees (the layers of a transformer) are told apart by where they lie in
the dataflow, whether or not something was found at the others.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rkgraph.graph.view import AttributeReference, Constant, GraphView, ModelView, Node

__all__ = ["Identities", "Identity", "Numbers", "identities_of", "numbered"]

RADIUS = 3
"""How many steps around a node belong to its identity: fewer confuse more nodes, more outlive fewer edits."""

FAR = 8
"""How far is looked to put nodes in order that are alike within `RADIUS` and equally deep in the graph."""

Part = Any
"""A part of a colour: an int is another colour, text is itself, a tuple a set of colours with numbers, in any order."""

_Edges = tuple[Sequence[int | str], Sequence[Sequence[tuple[int, int]] | str]]


@dataclass(frozen=True, order=True)
class Identity:
    """`digest`: 16 hex digits; `place` counts from 1 among the nodes of the graph that have the same digest."""

    digest: str
    place: int = 1


class Identities:
    """Identities of the nodes and values of one graph. Names count only for inputs and outputs of the model.

    Shapes of what is computed do not count, so that pinning them keeps identities; those of weights do. Values of
    weights do not, but which row a Gather takes is part of what it does. `around` is the identity of what the graph
    lies in; "" for the main graph.
    """

    def __init__(self, graph: GraphView, around: str = "") -> None:
        self.around = around
        self._graph = graph
        self._colours: dict[tuple[Part, ...], int] = {}
        self._parts: list[tuple[Part, ...]] = [()]
        self._digests: dict[int, str] = {}
        self._layers: list[dict[int, int]] = [{} for _ in range(FAR + 1)]  # by radius: index of the node → colour
        self._edges: dict[int, _Edges] = {}
        self._places: dict[str, dict[int, int]] = {}  # by operator: index of the node → its place among its equals

    def of_node(self, node: Node) -> Identity:
        """The node and all around it up to `RADIUS` steps, and its place among its equals."""
        if node.op not in self._places:
            self._places[node.op] = self._placed(node.op)
        return Identity(self._digest(self._colour(node.index, RADIUS)), self._places[node.op][node.index])

    def of_value(self, name: str) -> Identity:
        """A value by what makes it, or else by what reads it; interface values go by their name."""
        graph = self._graph
        if graph.parent is None and name in (*graph.inputs, *graph.outputs):
            return Identity(_hash(("interface", name)))
        producer = graph.producer(name)
        if producer is not None:
            made_by = self.of_node(producer)
            return Identity(_hash(("output", str(producer.outputs.index(name)), made_by.digest)), made_by.place)
        readers = sorted(
            (reader.digest, reader.place, node.inputs.index(name))
            for node, reader in ((node, self.of_node(node)) for node in graph.consumers(name))
        )
        return Identity(_hash(("source", *map(str, readers))))

    def _placed(self, op: str) -> dict[int, int]:
        """Index → place of the nodes of an operator: from the inputs on, by what is around, at last as in the file."""
        classes: dict[int, list[Node]] = {}
        for node in self._by_op[op]:
            classes.setdefault(self._colour(node.index, RADIUS), []).append(node)
        return {
            node.index: place
            for nodes in classes.values()
            for place, node in enumerate(nodes if len(nodes) == 1 else self._in_order(nodes), 1)
        }

    def _in_order(self, nodes: Sequence[Node]) -> list[Node]:
        depths = self._depths
        crowded = Counter(depths[node.index] for node in nodes)

        def key(node: Node) -> tuple[int, int, str, int]:
            index, depth = node.index, depths[node.index]
            if crowded[depth] == 1:
                return depth, 0, "", index
            return depth, -self._heights[index], self._digest(self._colour(index, FAR)), index

        return sorted(nodes, key=key)

    @cached_property
    def _by_op(self) -> Mapping[str, Sequence[Node]]:
        found: dict[str, list[Node]] = {}
        for node in self._graph.nodes:
            found.setdefault(node.op, []).append(node)
        return found

    @cached_property
    def _depths(self) -> Sequence[int]:
        """By index: the nodes on the longest way from an input. Files have their nodes in an order of dataflow."""
        deep: dict[str, int] = {}
        depths: list[int] = []
        for node in self._graph.nodes:
            depth = 1 + max((deep.get(name, 0) for name in node.inputs), default=0)
            depths.append(depth)
            deep.update(dict.fromkeys(node.outputs, depth))
        return depths

    @cached_property
    def _heights(self) -> Sequence[int]:
        """By index: the nodes on the longest way to an end."""
        heights = [1] * len(self._graph.nodes)
        for node in reversed(self._graph.nodes):
            for name in node.inputs:
                producer = self._graph.producer(name)
                if producer is not None:
                    heights[producer.index] = max(heights[producer.index], 1 + heights[node.index])
        return heights

    def _colour(self, index: int, radius: int) -> int:
        """The colour of the node of that index; never 0."""
        layer = self._layers[radius]
        found = layer.get(index)
        if found is None:
            parts = self._core(self._graph.nodes[index]) if radius == 0 else self._with_neighbours(index, radius - 1)
            found = layer[index] = self._colours.setdefault(parts, len(self._parts))
            if found == len(self._parts):
                self._parts.append(parts)
        return found

    def _with_neighbours(self, index: int, radius: int) -> tuple[Part, ...]:
        above, below = self._edges.get(index) or self._neighbours(index)
        colour, known = self._colour, self._layers[radius].get
        read_there = [given if isinstance(given, str) else known(given) or colour(given, radius) for given in above]
        parts: list[Part] = [colour(index, radius), *read_there, "→"]
        for read in below:
            if isinstance(read, str):
                parts.append(read)
            elif len(read) == 1:
                ((one, place),) = read
                parts.append(((known(one) or colour(one, radius), place),))
            else:
                parts.append(tuple(sorted([(known(one) or colour(one, radius), place) for one, place in read])))
        return tuple(parts)

    def _neighbours(self, index: int) -> _Edges:
        """What it reads, in order: nodes, or the names of inputs; who reads its outputs, and as which of their inputs.

        A constant was told in the node's core.
        """
        graph, inputs, outputs, node = self._graph, self._inputs, self._outputs, self._graph.nodes[index]
        above: list[int | str] = []
        for name in node.inputs:
            producer = graph.producer(name)
            above.append(inputs.get(name, "") if producer is None or producer.op == "Constant" else producer.index)
        below: list[tuple[tuple[int, int], ...] | str] = []
        for name in node.outputs:
            below.append(tuple([(reader.index, reader.inputs.index(name)) for reader in graph.consumers(name)]))
            if name in outputs:
                below.append(outputs[name])
        found = self._edges[index] = (above, below)
        return found

    def _core(self, node: Node) -> tuple[str, ...]:
        attributes = [f"{name}={_told(value)}" for name, value in sorted(node.attributes.items())]
        constants = [self._constant(node, name) for name in node.inputs]
        return ("" if node.domain == "ai.onnx" else node.domain, node.op, *attributes, "←", *constants)

    def _constant(self, node: Node, name: str) -> str:
        """Dtype and shape of a constant; an initializer and a Constant node are the same thing."""
        graph = self._graph
        if not name or not graph.is_constant(name):
            return "" if name else "none"
        small = graph.constant(name)
        held = small or graph.value(name)
        index = small.values if small is not None and node.op == "Gather" and len(small.values) == 1 else ""
        return f"{held.dtype}{held.shape}{index}"

    @cached_property
    def _inputs(self) -> Mapping[str, str]:
        names = self._graph.inputs
        return {name: f"input {name if self._graph.parent is None else i}" for i, name in enumerate(names)}

    @cached_property
    def _outputs(self) -> Mapping[str, str]:
        names = self._graph.outputs
        return {name: f"output {name if self._graph.parent is None else i}" for i, name in enumerate(names)}

    def _digest(self, colour: int) -> str:
        if colour not in self._digests:
            self._digests[colour] = _hash(map(self._text, self._parts[colour]))
        return self._digests[colour]

    def _text(self, part: Part) -> str:
        if isinstance(part, tuple):
            return ",".join(sorted(f"{self._digest(colour)}:{place}" for colour, place in part))
        return part if isinstance(part, str) else self._digest(part)


def identities_of(model: ModelView) -> Mapping[str, Identities]:
    """The identities of every graph by its path. A body is known by the node that it is of, and by the attribute."""
    found: dict[str, Identities] = {}
    waiting = [(model.main, ""), *((function, "function") for function in model.functions)]
    while waiting:
        graph, around = waiting.pop()
        known = found[graph.path] = Identities(graph, around)
        for node in graph.nodes:
            for place, inner in enumerate(node.subgraphs if node.attributes else ()):
                owner = known.of_node(node)
                waiting.append((inner, _hash((around, owner.digest, str(owner.place), str(place)))))
    return found


def numbered(identities: Iterable[str]) -> list[str]:
    """Make identities unique by their order: the second "x" becomes "x#2", or the next one that is free."""
    numbers = Numbers()
    return [numbers.unique(identity) for identity in identities]


class Numbers:
    """Gives each identity that was not seen yet as it is, and others the next number that is free."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._free: dict[str, int] = {}

    def unique(self, identity: str) -> str:
        """The identity itself, or the same with a number of its own."""
        plain = identity.partition("#")[0]
        while identity in self._seen:
            self._free[plain] = place = self._free.get(plain, 1) + 1
            identity = f"{plain}#{place}"
        self._seen.add(identity)
        return identity


def _told(value: object) -> str:
    """What an attribute says of the structure: tensors by dtype and shape, graphs by their operators."""
    if isinstance(value, tuple):
        return ",".join(map(_told, value))
    if isinstance(value, Constant):
        return f"{value.dtype}{value.shape}"
    if isinstance(value, GraphView):
        return " ".join(sorted(node.op for node in value.nodes))
    return value.name if isinstance(value, AttributeReference) else repr(value)


def _hash(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
