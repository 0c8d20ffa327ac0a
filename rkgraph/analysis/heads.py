"""Detection heads: where boxes and scores are joined to one output, and what decodes the boxes before that."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from rkgraph.graph.view import GraphView, Node
from rkgraph.records import Record

__all__ = ["Head", "detection_heads"]

_SCORES = frozenset({"Sigmoid", "Softmax"})
_ARITHMETIC = frozenset({"Add", "Sub", "Mul", "Div", "Exp", "Pow"})
_PASSING = frozenset(
    {"Reshape", "Transpose", "Identity", "Squeeze", "Unsqueeze", "Flatten", "Concat", "Split", "Slice", "Cast"}
)
"""Operators that hand elements on."""

_HEAVY = frozenset({"Conv", "ConvTranspose", "MatMul", "Gemm"})
_SMALL_WEIGHT = 256
"""Elements of a weight that learns no features; the mean of a distribution over 16 bins is a convolution, too."""


class Head(Record):
    """What makes one output of a detector.

    Attributes:
        output: of the graph.
        joins: the Concats that join boxes and scores.
        scores, boxes: values that they join.
        decode: the nodes between the last convolutions and `boxes` that only boxes need, from the first that computes.
        behind: the nodes between `joins` and the output.
    """

    output: str
    joins: tuple[Node, ...]
    scores: tuple[str, ...]
    boxes: tuple[str, ...]
    decode: tuple[Node, ...]
    behind: tuple[Node, ...]


def detection_heads(graph: GraphView) -> Iterator[Head]:
    """The heads of a graph, by output. None where there is no Concat of a score with something that is computed."""
    if not (graph.ops & _SCORES and "Concat" in graph.ops and graph.ops & _HEAVY):
        return
    for output in graph.outputs:
        behind = _passing_before(graph, output)
        joined = [(node, *_branches(graph, node)) for node in behind if node.op == "Concat"]
        joins = [(node, scores, boxes) for node, scores, boxes in joined if scores and boxes]
        if not joins:
            continue
        scores = tuple(name for _, found, _ in joins for name in found)
        boxes = tuple(name for _, _, found in joins for name in found)
        light, shared = _light(graph), {node.index for node in _before(graph, scores)}
        decode = _computing(n for n in _before(graph, boxes) if n.index in light and n.index not in shared)
        if any(node.op in _ARITHMETIC for node in decode):
            first = {node.index for node, _, _ in joins}
            later = tuple(n for n in behind if n.index not in first and _follows(graph, n, first))
            yield Head(output, tuple(node for node, _, _ in joins), scores, boxes, tuple(decode), later)


def _computing(nodes: Iterable[Node]) -> list[Node]:
    """The nodes without those that only pass on what no node before them has computed."""
    made: set[str] = set()
    kept = []
    for node in nodes:
        if node.op not in _PASSING or not made.isdisjoint(node.reads):
            made.update(node.outputs)
            kept.append(node)
    return kept


def _branches(graph: GraphView, join: Node) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The values that a Concat joins: scores, and what is computed otherwise (not what only passes on, or is fixed)."""
    scores, boxes = [], []
    for name in dict.fromkeys(join.inputs):
        source = _source(graph, name)
        if source is not None and source.op in _SCORES:
            scores.append(name)
        elif source is not None and source.op in _ARITHMETIC:
            boxes.append(name)
    return tuple(scores), tuple(boxes)


def _source(graph: GraphView, name: str) -> Node | None:
    """The node that computed the elements of a value; of a Concat's the one of its first input."""
    node = graph.producer(name)
    while node is not None and node.op in _PASSING:
        node = graph.producer(node.inputs[0])
    return node


def _passing_before(graph: GraphView, output: str) -> tuple[Node, ...]:
    """The nodes through which elements pass on to an output, in file order."""
    found: dict[int, Node] = {}
    waiting = [output]
    while waiting:
        node = graph.producer(waiting.pop())
        if node is not None and node.op in _PASSING and node.index not in found:
            found[node.index] = node
            waiting += [name for name in node.inputs if name]
    return tuple(found[index] for index in sorted(found))


def _before(graph: GraphView, names: Iterable[str]) -> tuple[Node, ...]:
    """All nodes that the values depend on, in file order."""
    found: dict[int, Node] = {}
    waiting = list(names)
    while waiting:
        node = graph.producer(waiting.pop())
        if node is not None and node.index not in found:
            found[node.index] = node
            waiting += node.reads
    return tuple(found[index] for index in sorted(found))


def _follows(graph: GraphView, node: Node, first: set[int]) -> bool:
    return any(earlier.index in first for earlier in _before(graph, node.inputs))


def _light(graph: GraphView) -> set[int]:
    """The nodes behind which no features are learned: neither they nor what depends on them is heavy."""
    heavy: set[int] = set()
    for node in reversed(graph.nodes):
        readers = (reader.index for name in node.outputs for reader in graph.consumers(name))
        if _is_heavy(graph, node) or any(index in heavy for index in readers):
            heavy.add(node.index)
    return {node.index for node in graph.nodes} - heavy


def _is_heavy(graph: GraphView, node: Node) -> bool:
    if node.op not in _HEAVY:
        return False
    shape = graph.value(node.inputs[1]).shape or ()
    return math.prod(size for size in shape if isinstance(size, int)) > _SMALL_WEIGHT or not shape
