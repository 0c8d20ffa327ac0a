"""RK534: scaled scores added to their mask, and not the mask to the scores: the toolkit ends with a KeyError."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.analysis.defects import defect
from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import Tolerance
from rkgraph.rulebook.known import lower
from rkgraph.rulebook.pattern import Match, match_any, pattern
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer

NAME = "mask-before-scores"
SCALED = (
    pattern("Add(mask, scaled=Mul(MatMul(q, k), #scale))"),
    pattern("Add(mask, scaled=Mul(#scale, MatMul(q, k)))"),
    pattern("Add(mask, scaled=Div(MatMul(q, k), #scale))"),
)


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Add of a mask and scaled scores, in this order, in attention that is fused to one layer."""
    known = defect(NAME)
    if lint.table.version not in known.fails:
        return
    for graph in lint.model.graphs():
        for node in graph.nodes_of("Add") if "Softmax" in graph.ops else ():
            found = match_any(graph, node.outputs[0], SCALED, ordered=True)
            if not isinstance(found, Match) or (graph.path, node.index) in lint.folded:
                continue
            if _is_of_attention(graph, node.outputs[0]):
                yield Finding(
                    f"{node.label} adds scaled scores to their mask: where the mask comes first, {lint.table.version} "
                    "ends with a KeyError as it fuses the attention",
                    graph=graph.path,
                    node=node,
                    observed={"first": found.values["mask"]},
                    limit={"first": found.named["scaled"].outputs[0]},
                    evidence=known.evidence,
                    verdict=Verdict.BUILD_FAILS,
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Add the mask to the scores."""
    return lower(lint, finding, "rk534", _write)


def _write(_graph: GraphView, node: Node, write: Writer) -> Rewrite:
    mask, scores = node.inputs
    return write.rewrite({node.outputs[0]: write.op("Add", scores, mask)}, Tolerance(0.0, 0.0), "mask + s → s + mask")


def _is_of_attention(graph: GraphView, name: str) -> bool:
    """Whether the only reader is a softmax over the last axis, and that of the softmax a product with values."""
    shape, softmaxes = graph.value(name).shape, graph.consumers(name)
    # Scores of three dimensions that are scaled are not fused, so nothing fails.
    if len(softmaxes) != 1 or softmaxes[0].op != "Softmax" or shape is None or len(shape) == 3:
        return False
    axis = softmaxes[0].attributes.get("axis", -1 if graph.opset >= 13 else 1)
    readers = graph.consumers(softmaxes[0].outputs[0])
    return axis in (-1, len(shape) - 1) and any(
        node.op == "MatMul" and node.inputs[0] == softmaxes[0].outputs[0] for node in readers
    )
