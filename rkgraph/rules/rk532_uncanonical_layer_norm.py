"""RK532: a layer normalization over the last axis in a spelling that the compiler does not make one layer of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import Tolerance
from rkgraph.rulebook.known import NotKnown, float_of, lower, shape_of
from rkgraph.rulebook.norm_readings import NormReading, fit_last_axis, norm_readings
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each layer normalization in another form, the parts of which nothing else reads."""
    for graph in lint.model.graphs():
        for norm in _norms(lint, graph):
            yield Finding(
                f"the layer normalization {norm.node.outputs[0]} is spelled so that the compiler does not fuse it: it "
                "stays a chain of layers",
                graph=graph.path,
                node=norm.root,
                observed={"x": norm.x, "epsilon": norm.epsilon, "scales": len(norm.scales), "biased": bool(norm.bias)},
                limit={"form": "(x − mean(x)) / √(mean((x − mean(x))²) + ε) · scale + bias"},
                evidence=("rewrites:layer-norm-forms",),
                explains=frozenset((graph.path, inner.index) for inner in norm.nodes),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Write it in the form that the compiler knows."""
    return lower(lint, finding, "rk532", lambda graph, node, write: _write(lint, graph, node, write))


def _norms(lint: LintContext, graph: GraphView) -> Iterator[NormReading]:
    for norm in norm_readings(graph, lambda name: lint.is_constant(graph, name)):
        if norm.kind == "layer" and not norm.plain and (graph.path, norm.node.index) not in lint.folded:
            yield norm


def _write(lint: LintContext, graph: GraphView, node: Node, write: Writer) -> Rewrite:
    norm = next((each for each in _norms(lint, graph) if each.root.index == node.index), None)
    if norm is None:
        raise NotKnown(f"{node.label} is no layer normalization any more")
    dtype, width = float_of(graph, norm.x), shape_of(graph, norm.x)[-1]
    fit_last_axis(graph, (*norm.scales, *((norm.bias,) if norm.bias else ())), width)
    centred = write.op("Sub", norm.x, write.reduce("ReduceMean", norm.x, [-1]))
    square = write.op("Pow", centred, write.constant(2.0, dtype, "two"))
    variance = write.reduce("ReduceMean", square, [-1])
    root = write.op("Sqrt", write.op("Add", variance, write.constant(norm.epsilon, dtype, "epsilon")))
    new = write.op("Div", centred, root)
    for scale in norm.scales:
        new = write.op("Mul", new, scale)
    if norm.bias:
        new = write.op("Add", new, norm.bias)
    # A handful of roundings in another order; |result| is at most √width · |scale|.
    return write.rewrite(
        {norm.node.outputs[0]: new}, Tolerance(2e-5, 2e-5), "the same layer normalization, as it is fused"
    )
