"""What part of a graph a rewrite touches, and between which values that part has to be compared.

A region lies between values that both graphs compute. The smallest region is what the rewrite makes needless; it is
widened by what is fixed anyway (constants and shapes), since random numbers in place of a shape would prove nothing,
and on request by what lies just in front of it, for rewrites that rest on where a value comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rkgraph.analysis.origins import RANDOM
from rkgraph.graph.applied import Region
from rkgraph.graph.rewrite import Rewrite
from rkgraph.graph.view import GraphView, Node
from rkgraph.records import Record

__all__ = ["Footprint", "footprint", "gone_together", "region_of"]


class Footprint(Record):
    """What a rewrite reads, and what is gone when it is applied: values, and the nodes (by index) that made them."""

    reads: frozenset[str]
    gone: frozenset[str]
    dead: frozenset[int]


def footprint(graph: GraphView, rewrite: Rewrite) -> Footprint:
    """The footprint of `rewrite` in `graph`."""
    tape = rewrite.tape
    made = {name for node in tape.nodes for name in node.outputs} | tape.constants.keys() | tape.copies.keys()
    reads = {name for node in tape.nodes for name in node.reads} | set(rewrite.replaces.values())
    reads -= made
    dead = _dead_nodes(graph, frozenset(rewrite.replaces), frozenset(reads))
    gone = {name for index in dead for name in graph.nodes[index].outputs if name} | rewrite.replaces.keys()
    return Footprint(frozenset(reads), frozenset(gone), dead)


def gone_together(graph: GraphView, merged: Rewrite) -> frozenset[str]:
    """The values that are gone when several rewrites are applied as one.

    More than each for itself takes away: where two of them make the result of a third needless, its new nodes go, too,
    and with them what only these read.
    """
    tape, replaces = merged.tape, merged.replaces
    makers = {name: node for node in tape.nodes for name in node.outputs if name}
    made = makers.keys() | tape.constants.keys() | tape.copies.keys()
    needed = dict(replaces)
    while True:
        alive, waiting = set[str](), list(needed.values())
        while waiting:
            name = waiting.pop()
            if name not in alive:
                alive.add(name)
                waiting.extend(makers[name].reads if name in makers else ())
        dead = _dead_nodes(graph, frozenset(replaces), frozenset(alive - made))
        left = {old: new for old, new in needed.items() if not _is_needless(graph, old, dead)}
        if left == needed:
            return frozenset({out for index in dead for out in graph.nodes[index].outputs if out} | replaces.keys())
        needed = left


def _is_needless(graph: GraphView, name: str, dead: frozenset[int]) -> bool:
    """Whether nobody is left who reads the value."""
    if name in graph.outputs:
        return False
    return all(node.index in dead for node in (*graph.consumers(name), *graph.takers.get(name, ())))


def region_of(graph: GraphView, rewrite: Rewrite, is_fixed: Callable[[str], bool], *, wider_by: int = 0) -> Region:
    """The region of `rewrite`: its outputs are the replaced values. `wider_by`: so many more nodes in front of it.

    Sequences and optional values are taken in like fixed values, down to the tensors that they are made of.
    """

    def is_taken_in(name: str) -> bool:
        return is_fixed(name) or _is_no_tensor(graph, name)

    mark = footprint(graph, rewrite)
    outputs = tuple(rewrite.replaces)
    inside = set(mark.dead)
    inside |= {node.index for node in map(graph.producer, outputs) if node is not None}
    reads = {name for name in mark.reads if not graph.is_constant(name)}
    _absorb(graph, inside, _edge(graph, inside), is_taken_in)
    _level(graph, inside, reads)
    for _ in range(wider_by):
        edge = [*_edge(graph, inside), *sorted(reads)]
        nodes = [n for n in map(graph.producer, edge) if n is not None and n.index not in inside and _is_sure(n)]
        if not nodes:
            break
        inside.add(max(node.index for node in nodes))
        _absorb(graph, inside, _edge(graph, inside), is_taken_in)
        _level(graph, inside, reads)
    return Region(tuple(dict.fromkeys([*_edge(graph, inside), *_outside(graph, inside, reads)])), outputs)


def _is_no_tensor(graph: GraphView, name: str) -> bool:
    node = graph.producer(name)
    return graph.value(name).dtype is None and node is not None and node.domain in ("", "ai.onnx")


def _level(graph: GraphView, inside: set[int], reads: Iterable[str]) -> None:
    """Move the cut upwards until no value at it is computed from another one that only the other side reads.

    Two such values are not free of each other: feeding them at random would compare what can never happen.
    """
    edge, outside = set(_edge(graph, inside)), set(_outside(graph, inside, reads))
    if edge == outside:
        return
    ancestry = _Ancestry(graph)
    while True:
        odd = edge ^ outside
        deep = ancestry.first_of(sorted(odd))
        producer = None if deep is None else graph.producer(deep)
        if producer is None:
            return
        inside.add(producer.index)
        edge.difference_update(producer.outputs)
        outside.difference_update(producer.outputs)
        edge.update(name for name in _outside(graph, inside, producer.reads) if not graph.is_constant(name))


class _Ancestry:
    """Which values a value is computed from, as the bits of a number: found once for each value that is asked about.

    A cut may climb through a whole model, a node at a time; to walk up from it each time would take time in the square
    of its nodes.
    """

    def __init__(self, graph: GraphView) -> None:
        self._graph = graph
        self._bits: dict[str, int] = {}
        self._above: dict[str, int] = {}

    def first_of(self, names: Sequence[str]) -> str | None:
        """The first of `names` that is computed from another of them."""
        asked = sum(self._bit(name) for name in names)
        return next((name for name in names if self._ancestors(name) & asked), None)

    def _bit(self, name: str) -> int:
        return self._bits.setdefault(name, 1 << len(self._bits))

    def _ancestors(self, name: str) -> int:
        waiting = [name]
        while waiting:
            last = waiting[-1]
            node = self._graph.producer(last)
            reads = () if node is None else node.reads
            unknown = [] if last in self._above else [read for read in reads if read not in self._above]
            if unknown:
                waiting.extend(unknown)
                continue
            waiting.pop()
            if last not in self._above:
                self._above[last] = 0
                for read in reads:
                    self._above[last] |= self._bit(read) | self._above[read]
        return self._above[name]


def _outside(graph: GraphView, inside: set[int], names: Iterable[str]) -> list[str]:
    producers = {name: graph.producer(name) for name in sorted(names)}
    return [name for name, node in producers.items() if node is None or node.index not in inside]


def _is_sure(node: Node) -> bool:
    """Whether the node gives the same for the same inputs; a Dropout that may be training does not."""
    return node.op not in RANDOM and not (node.op == "Dropout" and len(node.inputs) > 2)


def _absorb(graph: GraphView, inside: set[int], edge: Iterable[str], is_fixed: Callable[[str], bool]) -> None:
    """Take in the nodes that compute fixed values at the edge, down to the values whose shapes they read."""
    waiting = [name for name in edge if is_fixed(name)]
    while waiting:
        node = graph.producer(waiting.pop())
        if node is None or node.index in inside:
            continue
        inside.add(node.index)
        waiting.extend(name for name in node.reads if is_fixed(name))


def _edge(graph: GraphView, inside: set[int]) -> list[str]:
    """The values that come into a set of nodes from outside, constants left out."""
    names = dict.fromkeys(name for index in sorted(inside) for name in graph.nodes[index].reads)
    return [name for name in _outside(graph, inside, names) if not graph.is_constant(name)]


def _dead_nodes(graph: GraphView, replaced: frozenset[str], reads: frozenset[str]) -> frozenset[int]:
    """The nodes that nobody needs once `replaced` are computed otherwise, from `reads`."""
    kept = reads | (set(graph.outputs) - replaced)
    dead: set[int] = set()
    waiting = [node for node in map(graph.producer, replaced) if node is not None]

    def is_needless(name: str) -> bool:
        if name in kept:
            return False
        readers = (
            *(node.index for node in graph.consumers(name)),
            *(node.index for node in graph.takers.get(name, ())),
        )
        return name in replaced or all(reader in dead for reader in readers)

    while waiting:
        node = waiting.pop()
        if node.index in dead or not all(is_needless(out) for out in node.outputs if out):
            continue
        dead.add(node.index)
        waiting.extend(p for p in map(graph.producer, node.reads) if p is not None)
    return frozenset(dead)
