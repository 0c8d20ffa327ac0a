"""What rules share that write an operator with others: which nodes need it, and what to say of them.

Need is the op table's word, so a lowering is offered on just those platforms, versions, dtypes and sizes for which the
compiler or the board cannot take the node as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from rkgraph.analysis.origins import Origin
from rkgraph.diagnostics import Severity
from rkgraph.rulebook.defaults import left_out
from rkgraph.rulebook.rule import Finding, LintContext

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Refusal, SetOpset
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.tables.table import Judgement

__all__ = ["CANNOT_RUN", "SLOW", "needing", "not_as_it_is", "raised"]

CANNOT_RUN = frozenset({"no-kernel", "build-fails", "unknown"})
"""Outcomes that keep a model from being deployed."""

SLOW = frozenset({"cpu"})
"""Outcomes that cost a crossing to the CPU and back: a lowering has to show that it gains more than it costs."""

_REASONS = {
    "no-kernel": "has no kernel on the board",
    "build-fails": "does not build",
    "unknown": "was never measured",
    "cpu": "runs on the CPU",
}


def needing(
    lint: LintContext,
    ops: Collection[str],
    outcomes: Collection[str] = CANNOT_RUN,
    *,
    domain: str = "",
    dead: bool = False,
) -> Iterator[tuple[GraphView, Node]]:
    """The live nodes of these operators for which the op table says one of `outcomes`, with their graphs.

    Not arithmetic on shapes that are still dynamic, nor those that RK112 mends by writing a default out. `dead`: also
    those that nobody reads, which the toolkit tries to run while it builds.
    """
    domains = ("", "ai.onnx") if domain == "" else (domain,)
    for graph in lint.model.graphs():
        if graph.ops.isdisjoint(ops):
            continue
        for node in graph.nodes if dead else lint.live_nodes(graph):
            if dead and (node.path, node.index) not in lint.judgements:
                continue
            if node.op not in ops or node.domain not in domains:
                continue
            judgement = lint.judgement(node)
            if all(lint.origin(graph, name) is Origin.SHAPE for name in node.outputs if name):
                continue  # it folds away as soon as the inputs have fixed shapes
            if judgement.outcome in outcomes and not _is_mended(graph, node, judgement):
                yield graph, node


def _is_mended(graph: GraphView, node: Node, judgement: Judgement) -> bool:
    """Whether all that the table holds against the node goes away where RK112 writes defaults out."""
    mended = [violation for violation, _, _ in left_out(graph, node, judgement)]
    return bool(mended) and all(violation in mended for violation in judgement.violations)


def not_as_it_is(lint: LintContext, graph: GraphView, node: Node, instead: str) -> Finding:
    """The finding that `node` cannot run as it is; `instead` says in a few words what it can be written with.

    It is the cause of what the table says of the node, and an error or a warning just as that is.
    """
    outcome = lint.judgement(node).outcome
    platform, version = lint.target.platform, lint.table.version
    return Finding(
        f"{node.op} {_REASONS[outcome]} ({platform}, {version}); {instead}",
        graph=graph.path,
        node=node,
        observed={"operator": node.op, "outcome": outcome},
        severity=Severity.WARNING if outcome in ("cpu", "unknown") else Severity.ERROR,
        explains=frozenset({(graph.path, node.index)}),
    )


def raised(lint: LintContext, opset: int) -> SetOpset | Refusal | None:
    """What has to be done first where a lowering takes operators of `opset`: declare it, where all others are the same.

    None: nothing, the model is of that opset or a newer one.
    """
    from rkgraph.analysis.schemas import unchanged
    from rkgraph.graph.rewrite import Refusal, SetOpset

    if lint.model.main.opset >= opset:
        return None
    graphs = lint.model.graphs()
    changed = next((node.op for graph in graphs for node in graph.nodes if not unchanged(opset, node, graph)), None)
    if changed is None:
        return SetOpset(opset)
    return Refusal(f"it takes opset {opset}, from opset {lint.model.main.opset} to which {changed} changed")
