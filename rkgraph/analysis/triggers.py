"""What sets off defects of the toolkit's optimiser: each trigger finds the nodes at which a graph has it.

The triggers are named in `op_tables/defects.toml`; each is as wide as the rule of the toolkit that it stands for may
be, for a rule that is switched off without need costs a layer at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from rkgraph.graph.view import GraphView, Node

__all__ = ["TRIGGERS"]

_PARTS = 3  # query, key and value
_RANK, _LEFT = 6, 5
_HALVES = 2
_OPERANDS, _SEQUENCE_FIRST = 2, 3


def heads_of_joint_product(graph: GraphView) -> Iterator[Node]:
    """Splits of a product with constant weights into three or more equal parts, each reshaped to a higher rank."""
    for node in graph.nodes_of("Split"):
        widths = {graph.value(name).shape for name in node.outputs}
        if len(node.outputs) < _PARTS or len(widths) != 1 or not _is_product(graph, node.inputs[0]):
            continue
        if all(_becomes_heads(graph, name) for name in node.outputs):
            yield node


def lone_transpose_of_five(graph: GraphView) -> Iterator[Node]:
    """Transposes of rank 6 of which five dimensions are larger than 1 and none stay neighbours; no Reshape around."""
    for node in graph.nodes_of("Transpose"):
        shape = graph.value(node.inputs[0]).shape
        if shape is None or len(shape) != _RANK or sum(size != 1 for size in shape) != _LEFT:
            continue
        perm = node.attributes.get("perm", tuple(reversed(range(_RANK))))
        order = [axis for axis in perm if shape[axis] != 1]
        place = {axis: rank for rank, axis in enumerate(sorted(order))}
        moved = [place[axis] for axis in order]
        if any(after == before + 1 for before, after in pairwise(moved)):
            continue
        maker = graph.producer(node.inputs[0])
        around = [reader.op for reader in graph.consumers(node.outputs[0])] + ([maker.op] if maker else [])
        if "Reshape" not in around:
            yield node


def rotated_part(graph: GraphView) -> Iterator[Node]:
    """Concats of two Slices of what a Slice made, one of them negated: half of each head's rotary part, turned."""
    for node in graph.nodes_of("Concat"):
        makers = [graph.producer(name) for name in node.inputs]
        if sum(maker is not None and maker.op == "Neg" for maker in makers) != 1:
            continue
        parts = [graph.producer(m.inputs[0]) if m is not None and m.op == "Neg" else m for m in makers]
        sources = {part.inputs[0] for part in parts if part is not None and part.op == "Slice"}
        whole = graph.producer(sources.pop()) if len(sources) == 1 and len(parts) == _HALVES else None
        if whole is not None and whole.op == "Slice":
            yield node


def products_of_single_rows(graph: GraphView) -> Iterator[Node]:
    """Each third product with constants of one value [n, 1, c]: query, key and value where a sequence comes first."""
    readers: dict[str, int] = {}
    for node in graph.nodes_of("Einsum", "MatMul"):
        if len(node.inputs) != _OPERANDS or not graph.is_constant(node.inputs[1]):
            continue
        shape = graph.value(node.inputs[0]).shape
        if shape is None or len(shape) != _SEQUENCE_FIRST or shape[1] != 1 or shape[0] == 1:
            continue
        readers[node.inputs[0]] = readers.get(node.inputs[0], 0) + 1
        if readers[node.inputs[0]] == _PARTS:
            yield node


TRIGGERS: Mapping[str, Callable[[GraphView], Iterator[Node]]] = {
    "heads_of_joint_product": heads_of_joint_product,
    "lone_transpose_of_five": lone_transpose_of_five,
    "products_of_single_rows": products_of_single_rows,
    "rotated_part": rotated_part,
}


def _is_product(graph: GraphView, name: str) -> bool:
    """Whether the value is x · W, W constant, with or without a bias, reshaped or not."""
    node = graph.producer(name)
    while node is not None and node.op in ("Reshape", "Add"):
        computed = [given for given in node.inputs if not graph.is_constant(given)]
        node = graph.producer(computed[0]) if len(computed) == 1 else None
    return node is not None and node.op in ("Gemm", "MatMul") and graph.is_constant(node.inputs[1])


def _becomes_heads(graph: GraphView, name: str) -> bool:
    shape = graph.value(name).shape
    for reader in graph.consumers(name):
        after = graph.value(reader.outputs[0]).shape
        if reader.op == "Reshape" and shape is not None and after is not None and len(after) > len(shape):
            return True
    return False
