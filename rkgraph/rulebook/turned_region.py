"""A region of operators behind a Transpose that could as well run on the values before it, in their own order.

The region grows from the result of one Transpose through all operators that commute with it, and ends at constants, at
other Transposes (which join with it into one, or into none) and at what does not commute, where one has to be put
instead. What it is worth is counted: Transposes that go, and those that come.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rkgraph.rulebook.known import shape_of
from rkgraph.rulebook.turned_operators import Perm, inverse, turned_inputs, write_turned
from rkgraph.rulebook.workload import value_bytes

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.writer import Writer

__all__ = ["Region", "perm_of", "region_behind", "written"]

MOST_NODES = 128
"""A region of more is given up: what is gained at one end of it costs too much search."""


@dataclass(frozen=True)
class Region:
    """What is to be turned, and what that changes.

    `enters`: value → (the value that it is made of, in which order: the identity takes that value itself);
    `constants` are turned when they are written; `leaves` are results that are needed as they were; `joined` are the
    Transposes that read a value of the region. `gone` and `come`: Transposes no longer, and newly, there, by the value
    that each makes.
    """

    perm: Perm
    nodes: tuple[Node, ...]
    enters: dict[str, tuple[str, Perm]]
    constants: tuple[str, ...]
    leaves: tuple[str, ...]
    joined: tuple[Node, ...]
    gone: tuple[str, ...]
    come: tuple[str, ...]

    def pays(self, graph: GraphView) -> bool:
        """Whether there are fewer Transposes afterwards, and they move no more bytes than before."""
        before, after = ([value_bytes(graph, name) for name in names] for names in (self.gone, self.come))
        known = None not in before and None not in after
        return known and len(after) < len(before) and sum(filter(None, after)) <= sum(filter(None, before))


@dataclass
class _Growing:
    """A region while it grows: values are turned, `todo` are those whose readers were not looked at yet."""

    graph: GraphView
    perm: Perm
    backward: bool
    nodes: dict[int, Node] = field(default_factory=dict)
    values: set[str] = field(default_factory=set)
    enters: dict[str, tuple[str, Perm]] = field(default_factory=dict)
    constants: list[str] = field(default_factory=list)
    todo: list[str] = field(default_factory=list)

    def reach(self, name: str) -> None:
        """Take a value in: made by the region, by a Transpose, a constant, or turned on the way in."""
        if name in self.values:
            return
        self.values.add(name)
        producer = self.graph.producer(name)
        if self.graph.is_constant(name):
            self.constants.append(name)
        elif producer is None:
            self.enters[name] = (name, inverse(self.perm))
        elif producer.index in self.nodes:
            self.todo.append(name)
        elif producer.op == "Transpose" and producer.domain in ("", "ai.onnx"):
            before = perm_of(self.graph, producer)
            order = tuple(before[axis] for axis in inverse(self.perm))
            self.enters[name] = (producer.inputs[0], order)
            if order == tuple(range(len(order))):
                self.todo.append(name)
        elif not (self.backward and self.add(producer)):
            self.enters[name] = (name, inverse(self.perm))
        else:
            self.todo.append(name)

    def add(self, node: Node) -> bool:
        """Take a node in with all that it reads and makes, if it commutes."""
        along = turned_inputs(self.graph, node, self.perm)
        if along is None:
            return False
        self.nodes[node.index] = node
        for name in filter(None, node.outputs):
            if self.enters.pop(name, None) is not None:  # it was to be turned on its way in, and is made turned now
                self.values.discard(name)
            self.reach(name)
        for name in along:
            self.reach(name)
        return True


def perm_of(graph: GraphView, node: Node) -> Perm:
    """The order of a Transpose, counted from the front. Raises NotKnown where the rank is not known."""
    rank = len(shape_of(graph, node.inputs[0]))
    given = node.attributes.get("perm")
    return tuple(int(axis) % rank for axis in given) if given else tuple(reversed(range(rank)))


def region_behind(graph: GraphView, seed: Node) -> Region | None:
    """The region behind a Transpose that saves the most Transposes; None where none saves any. Raises NotKnown."""
    found = [region for backward in (False, True) if (region := _grown(graph, seed, backward)) is not None]
    paying = [region for region in found if region.pays(graph)]
    return max(paying, key=lambda region: len(region.gone) - len(region.come), default=None)


def written(graph: GraphView, region: Region, write: Writer) -> dict[str, str]:
    """Record the region in the other order; what replaces what."""
    turned = {name: write.transpose(source, order) for name, (source, order) in region.enters.items()}
    turned |= {name: _turned_constant(graph, name, region.perm, write) for name in region.constants}
    for node in region.nodes:
        turned |= zip(node.outputs, write_turned(graph, node, region.perm, turned, write), strict=True)
    replaces = {name: write.transpose(turned[name], region.perm) for name in region.leaves}
    for node in region.joined:
        order = tuple(region.perm[axis] for axis in perm_of(graph, node))
        replaces[node.outputs[0]] = write.transpose(turned[node.inputs[0]], order)
    return replaces


def _grown(graph: GraphView, seed: Node, backward: bool) -> Region | None:
    perm = perm_of(graph, seed)
    growing = _Growing(graph, perm, backward)
    growing.reach(seed.outputs[0])
    while growing.todo:
        for reader in graph.consumers(growing.todo.pop()):
            if reader.index not in growing.nodes:
                growing.add(reader)
        if len(growing.nodes) > MOST_NODES:
            return None
    return _counted(graph, growing)


def _counted(graph: GraphView, growing: _Growing) -> Region:
    perm, nodes = growing.perm, growing.nodes
    same = tuple(range(len(perm)))
    made = [name for node in nodes.values() for name in node.outputs if name]
    turned = [*made, *(name for name, (_, order) in growing.enters.items() if order == same)]
    joined = [node for name in turned for node in _turners(graph, name)]
    leaves = [name for name in made if _is_needed(graph, name, nodes)]
    gone = [node.outputs[0] for node in joined if tuple(perm[axis] for axis in perm_of(graph, node)) == same]
    come = list(leaves)
    for name, (source, order) in growing.enters.items():
        if order == same:
            gone += [] if _is_needed(graph, name, nodes) else [name]
        elif source == name or _is_read_elsewhere(graph, name, nodes):
            come.append(name)
    in_order = tuple(nodes[index] for index in sorted(nodes))
    return Region(
        perm, in_order, growing.enters, tuple(growing.constants), tuple(leaves), tuple(joined), tuple(gone), tuple(come)
    )


def _turners(graph: GraphView, name: str) -> Iterator[Node]:
    for reader in graph.consumers(name):
        if reader.op == "Transpose" and reader.domain in ("", "ai.onnx"):
            yield reader


def _is_needed(graph: GraphView, name: str, nodes: dict[int, Node]) -> bool:
    """Whether anybody but the region, and Transposes, reads the value."""
    turners = {node.index for node in _turners(graph, name)}
    return _is_read_elsewhere(graph, name, {*nodes, *turners})


def _is_read_elsewhere(graph: GraphView, name: str, nodes: Collection[int]) -> bool:
    others = [node for node in graph.consumers(name) if node.index not in nodes]
    return bool(others) or name in graph.outputs or name in graph.captured


def _turned_constant(graph: GraphView, name: str, perm: Perm, write: Writer) -> str:
    import numpy as np  # lint imports rules, and has no time for numpy

    shape = shape_of(graph, name)
    whole = (1,) * (len(perm) - len(shape)) + shape
    constant = graph.constant(name)
    if constant is None:  # a large one: it folds where the constants are folded
        return write.transpose(write.reshape(name, whole) if whole != shape else name, inverse(perm))
    array = np.asarray(constant.values).reshape(whole).transpose(inverse(perm))
    return write.constant(array, constant.dtype, "turned")
