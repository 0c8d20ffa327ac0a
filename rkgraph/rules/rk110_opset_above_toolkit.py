"""RK110: a model of an opset that the toolkit does not load."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.analysis.schemas import why_not_in
from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import Edit, Refusal, SetOpset
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.targets import max_opset


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for a model whose opset is above the newest one of the toolkit."""
    newest = max_opset(lint.target.toolkit)
    if lint.model.opset > newest:
        yield Finding(
            f"opset {lint.model.opset} is above {newest}, the newest that rknn-toolkit2 {lint.target.toolkit} loads",
            observed={"opset": lint.model.opset},
            limit={"opset": newest},
            evidence=("session:opset_20_2.3.2",),
            verdict=Verdict.BUILD_FAILS,
        )


def fix(lint: LintContext, _finding: Finding) -> Edit | Refusal:
    """Declare the toolkit's newest opset, once every node means the same there."""
    newest = max_opset(lint.target.toolkit)
    reasons = [
        (node, reason)
        for graph in lint.model.graphs()
        for node in graph.nodes
        if (reason := why_not_in(newest, node, graph)) is not None
    ]
    if not reasons:
        return SetOpset(newest)
    node, reason = reasons[0]
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return Refusal(f"{reason}: {node.label}{more}; see RK111")
