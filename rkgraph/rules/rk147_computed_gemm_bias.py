"""RK147: a Gemm whose computed C is not a row of its result, over which the compiler stumbles."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import NotKnown, float_of, input_of, lower, rounding
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

_MATRIX = 2


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Gemm whose C is computed and not of rank 2 with a column for each of the result."""
    for graph in lint.model.graphs():
        for node in graph.nodes_of("Gemm"):
            if (graph.path, node.index) in lint.folded:
                continue
            name = input_of(node, 2)
            if name and not lint.is_constant(graph, name) and _is_unlike(graph, node, name):
                shape = graph.value(name).shape
                yield Finding(
                    f"C of this Gemm is computed and of the shape {list(shape or ())}; only rows of the result build",
                    graph=graph.path,
                    node=node,
                    observed={"shape": list(shape or ())},
                    limit={"shape": "rank 2, as many columns as the result"},
                    verdict=Verdict.BUILD_FAILS,
                    explains=frozenset({(graph.path, node.index)}),
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Write the product as MatMul and the sum as Add."""
    return lower(lint, finding, "rk147", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    a, b, c = node.inputs[:3]
    dtype = float_of(graph, a)
    shape = graph.value(a).shape
    if shape is None or len(shape) != _MATRIX:
        raise NotKnown(f"{a} is no matrix ({shape})")
    left = write.transpose(a, (1, 0)) if node.attributes.get("transA", 0) else a
    right = write.transpose(b, (1, 0)) if node.attributes.get("transB", 0) else b
    product = _times(write, write.op("MatMul", left, right), node, "alpha", dtype)
    new = write.op("Add", product, _times(write, c, node, "beta", dtype))
    inner = shape[0 if node.attributes.get("transA", 0) else 1]
    terms = inner if isinstance(inner, int) else 1
    return write.rewrite({node.outputs[0]: new}, rounding(dtype, terms), "Gemm as MatMul and Add")


def _times(write: Writer, x: str, node: Node, factor: str, dtype: str) -> str:
    number = float(node.attributes.get(factor, 1.0))
    return x if number == 1.0 else write.op("Mul", x, write.constant(number, dtype, factor))


def _is_unlike(graph: GraphView, node: Node, name: str) -> bool:
    """Whether the value is known not to be rows of the result."""
    shape, result = graph.value(name).shape, graph.value(node.outputs[0]).shape
    if shape is None or result is None or len(result) != _MATRIX:
        return False
    return len(shape) != _MATRIX or (isinstance(shape[1], int) and shape[1] != result[1])
