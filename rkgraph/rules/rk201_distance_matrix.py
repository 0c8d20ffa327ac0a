"""RK201: distances of each row of a matrix to each of another, as the root of sums of squares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import Between, Tolerance
from rkgraph.rulebook.fused import NotUnfused, Unfuse, found_fused, unfused
from rkgraph.rulebook.quantized import static_shape
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal
    from rkgraph.graph.view import GraphView, Node

USUAL = Between(-8.0, 8.0)
CANCELLED = Tolerance(4e-3, 1e-4)
"""Of squares of 8 float32 rounds by some 1e-5, and the root of that is what a distance of 0 may come out as."""

LARGEST = 1 << 20
"""Largest number of differences: each is a number between layers, 2 bytes of it."""

METRICS = ("euclidean", "sqeuclidean")
"""What ONNX Runtime has kernels of."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each."""
    yield from found_fused(lint, _WRITTEN, "differences, squares and their sums take its place")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Differences of all pairs of rows, squared and summed up."""
    node, graph = finding.node, lint.model.main
    rows = [name for name in node.inputs if not graph.is_constant(name)] if node is not None else []
    # ONNX Runtime takes |a|² + |b|² − 2·a·b, which cancels among large rows that are near to each other.
    within = dict.fromkeys(rows, USUAL)
    return unfused(lint, finding, _WRITTEN, prefix="rk201", tolerance=CANCELLED, within=within)


def _distances(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    """Inputs: (M, N) and (K, N). Differences, since |a|² + |b|² − 2·a·b cancels where rows are near to each other."""
    metric = node.attributes.get("metric", "sqeuclidean")
    metric = metric.decode("utf-8", "replace") if isinstance(metric, bytes) else str(metric)
    a, b = (static_shape(graph, name) for name in node.inputs[:2])
    if metric not in METRICS:
        raise NotUnfused(f"the metric of {node.label} is {metric!r}; {' and '.join(METRICS)} are known")
    if a is None or b is None or len(a) != 2 or len(b) != 2 or a[1] != b[1] or 0 in (*a, *b):
        raise NotUnfused(f"the shapes of {node.inputs[0]} {a} and {node.inputs[1]} {b} are not static, or do not fit")
    count = a[0] * b[0] * a[1]
    if count > LARGEST:
        raise NotUnfused(f"{node.label} has {count:,} differences; up to {LARGEST:,} are written out")
    first, second = writer.reshape(node.inputs[0], (a[0], 1, a[1])), writer.reshape(node.inputs[1], (1, b[0], b[1]))
    apart = writer.op("Sub", first, second)
    if metric == "euclidean":
        return {node.outputs[0]: writer.reduce("ReduceL2", apart, (2,), keepdims=False)}
    square = writer.op("Mul", apart, apart)
    return {node.outputs[0]: writer.reduce("ReduceSum", square, (2,), keepdims=False)}


_WRITTEN: Mapping[str, Unfuse] = {"CDist": _distances}
