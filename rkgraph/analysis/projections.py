"""Output projections (language model heads) and lookup tables (embeddings): large constants at both ends of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rkgraph.graph.view import GraphView, Node
from rkgraph.records import Record

__all__ = ["Lookup", "Projection", "initializer_behind", "lookups", "output_projections"]

MOST_BEHIND = 8
"""A head ends the model: a bias, a scale, a Cast, a Softmax. With more behind it, it is no head."""

_KEEPS = frozenset({"Identity", "Transpose", "Cast", "Reshape", "Squeeze", "Unsqueeze"})
"""Operators through which a constant is the same numbers."""

_WORK = frozenset({"MatMul", "Gemm", "Conv", "ConvTranspose", "LSTM", "GRU", "RNN", "Attention"})

IsConstant = Callable[[str], bool]


class Projection(Record):
    """A product with a constant matrix whose result goes to the outputs of the model.

    Attributes:
        node: MatMul or Gemm.
        weight: the constant that it reads; `table` the initializer that this is, or is made of (tied weights), if any.
        hidden, columns: its sizes.
        behind: all nodes that depend on its result.
    """

    node: Node
    weight: str
    table: str | None
    hidden: int
    columns: int
    behind: tuple[Node, ...]


class Lookup(Record):
    """A Gather of rows of a constant table with computed indices; `size` is the number of elements of the table.

    `table` is the initializer that the table is, or is made of, if any.
    """

    node: Node
    table: str | None
    size: int


def output_projections(graph: GraphView, is_constant: IsConstant, wider_than: int = 0) -> Iterator[Projection]:
    """The projections of a graph with more columns than `wider_than`, in file order."""
    for node in graph.nodes_of("MatMul", "Gemm"):
        if len(node.inputs) < 2 or not is_constant(node.inputs[1]) or is_constant(node.inputs[0]):
            continue
        shape = graph.value(node.inputs[1]).shape or ()
        sizes = tuple(size for size in shape if isinstance(size, int))
        if len(sizes) != 2 or len(shape) != 2 or node.attributes.get("transA", 0):
            continue
        columns, hidden = sizes if node.attributes.get("transB", 0) else sizes[::-1]
        behind = _behind(graph, node) if columns > wider_than else None
        if behind is not None:
            yield Projection(node, node.inputs[1], initializer_behind(graph, node.inputs[1]), hidden, columns, behind)


def lookups(graph: GraphView, is_constant: IsConstant) -> Iterator[Lookup]:
    """The lookups of a graph, in file order."""
    for node in graph.nodes_of("Gather"):
        shape = graph.value(node.inputs[0]).shape or ()
        sizes = tuple(size for size in shape if isinstance(size, int))
        if len(sizes) != 2 or len(shape) != 2 or node.attributes.get("axis", 0) not in (0, -2):
            continue
        if is_constant(node.inputs[0]) and not is_constant(node.inputs[1]):
            yield Lookup(node, initializer_behind(graph, node.inputs[0]), sizes[0] * sizes[1])


def initializer_behind(graph: GraphView, name: str) -> str | None:
    """The initializer that a constant is, or is a rearrangement of; None where it is computed otherwise."""
    for _ in range(MOST_BEHIND):
        node = graph.producer(name)
        if node is None:
            return name if graph.value(name).kind == "initializer" else None
        if node.op not in _KEEPS:
            return None
        name = node.inputs[0]
    return None


def _behind(graph: GraphView, node: Node) -> tuple[Node, ...] | None:
    """All nodes that depend on `node`, if they are few, multiply no matrices, and lead to an output of the graph."""
    found: dict[int, Node] = {}
    waiting = [name for name in node.outputs if name]
    ends = False
    while waiting:
        name = waiting.pop()
        ends = ends or name in graph.outputs
        for reader in (*graph.consumers(name), *graph.takers.get(name, ())):
            if reader.index not in found:
                found[reader.index] = reader
                waiting += [output for output in reader.outputs if output]
        if len(found) > MOST_BEHIND or any(each.op in _WORK or each.subgraphs for each in found.values()):
            return None
    return tuple(found[index] for index in sorted(found)) if ends else None
