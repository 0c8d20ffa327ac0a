"""A branch of a network computed with its numbers multiplied: in its own weights where it has some, else by a Mul."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy.typing as npt

    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.writer import Writer

__all__ = ["along", "multiplied", "products_along"]

PASSED = frozenset({
    "Abs", "AveragePool", "Flatten", "GlobalAveragePool", "GlobalMaxPool", "Identity", "LeakyRelu", "MaxPool", "Relu",
    "Reshape", "Squeeze", "Transpose", "Unsqueeze",
})  # fmt: skip
"""Of one operand, and f(s x) = s f(x) for s > 0."""

WEIGHTED = frozenset({"BatchNormalization", "Conv", "Gemm", "MatMul"})
LONGEST = 8  # nodes from weights to the end of a branch


def multiplied(write: Writer, graph: GraphView, name: str, factor: float) -> str:
    """The value times a power of two: in the weights that it comes from, if nothing else reads what lies between."""
    chain = _chain(graph, name)
    if chain is None:
        return write.op("Mul", name, _number(write, graph, name, factor))
    product, *rest = reversed(chain)
    new = _weighted(write, graph, product, factor)
    for node in rest:
        others = node.inputs[1:]
        if node.op == "Add":
            place = 1 if graph.is_constant(node.inputs[1]) else 0
            others = (write.op("Mul", node.inputs[place], _number(write, graph, name, factor)),)
        new = write.op(node.op, new, *others, **node.attributes)
    return new


def products_along(graph: GraphView, name: str, axis: int) -> tuple[Node, ...]:
    """The products with constant weights that sum the value up along `axis`, where nothing else reads it; else none."""
    readers = graph.consumers(name)
    rank = len(graph.value(name).shape or ())
    fine = all(_sums_along(graph, reader, name, axis % rank if rank else 0, rank) for reader in readers)
    return readers if fine and name not in graph.outputs and name not in graph.captured else ()


def along(node: Node, factors: list[float]) -> npt.ArrayLike:
    """The factors of the summed axis in the shape in which they are broadcast over the weights of `node`."""
    if node.op == "Conv":
        return [[[each]] for each in factors]
    return list(factors) if node.attributes.get("transB", 0) else [[each] for each in factors]


def _chain(graph: GraphView, name: str) -> list[Node] | None:
    """The nodes from the value back to a product with constant weights; None where there is none so near."""
    chain: list[Node] = []
    while len(chain) < LONGEST:
        node = graph.producer(name)
        alone = len(graph.consumers(name)) == 1 and name not in graph.outputs and name not in graph.captured
        if node is None or not alone or node.domain not in ("", "ai.onnx") or any(node.outputs[1:]):
            return None
        chain.append(node)
        if node.op in WEIGHTED:
            return chain if all(not each or graph.is_constant(each) for each in node.inputs[1:]) else None
        if node.op == "Add" and sum(graph.is_constant(each) for each in node.inputs) == 1:
            name = next(each for each in node.inputs if not graph.is_constant(each))
        elif node.op in PASSED and all(not each or graph.is_constant(each) for each in node.inputs[1:]):
            name = node.inputs[0]
        else:
            return None
    return None


def _weighted(write: Writer, graph: GraphView, node: Node, factor: float) -> str:
    """The product with its weights, and its bias, times the factor."""
    scaled = (1, 2)  # weights or scale, and bias
    inputs = [
        write.op("Mul", each, _number(write, graph, each, factor)) if place in scaled and each else each
        for place, each in enumerate(node.inputs)
    ]
    return write.op(node.op, *inputs, **node.attributes)


def _number(write: Writer, graph: GraphView, name: str, factor: float) -> str:
    return write.constant(factor, graph.value(name).dtype or "float32", "factor")


def _sums_along(graph: GraphView, node: Node, name: str, axis: int, rank: int) -> bool:
    if node.domain not in ("", "ai.onnx") or node.inputs[0] != name or name in node.inputs[1:]:
        return False
    if len(node.inputs) < 2 or not graph.is_constant(node.inputs[1]):
        return False
    shape = graph.value(node.inputs[1]).shape
    if node.op == "Conv":
        return axis == 1 and node.attributes.get("group", 1) == 1
    if node.op == "Gemm":
        return axis == 1 and not node.attributes.get("transA", 0)
    return node.op == "MatMul" and axis == rank - 1 and shape is not None and len(shape) == 2
