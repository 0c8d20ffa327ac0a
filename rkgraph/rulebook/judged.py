"""Findings straight from the op table: one for each violated limit, in the limit's own words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from rkgraph.analysis.origins import CONTROL_INPUTS, DATA_SHAPED, Origin
from rkgraph.diagnostics import Confidence, Device, Verdict
from rkgraph.rulebook.rule import EXPLAINED, Finding, LintContext

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.tables.entry import Entry
    from rkgraph.tables.table import Violation

__all__ = ["findings_of_outcome"]

# Limits that a dynamic input, or a shape that comes from data, is the reason to break.
SHAPE_ROOTS = ("RK301", "RK302")


def findings_of_outcome(
    lint: LintContext, outcome: str, *, otherwise: str, verdict: Verdict | None = None, device: Device | None = None
) -> Iterator[Finding]:
    """All that leads to `outcome` ("cpu", "no-kernel", …), for every live node of every graph.

    A node gets a finding for each limit that it violates with this outcome. Without one, a node whose entry has this
    outcome itself gets one finding that says `otherwise` ("{op}" and "{toolkit}" are filled in). `device` is claimed
    only where the outcome is also the worst one of the node.
    """
    for graph in lint.model.graphs():
        for node in lint.live_nodes(graph):
            judgement = lint.judgement(node)
            found = [_of_violation(v, lint, graph, node) for v in judgement.violations if v.outcome == outcome]
            if not found and outcome == (judgement.entry.outcome if judgement.entry else "unknown"):
                message = otherwise.format(op=_full_name(node), toolkit=lint.table.version)
                found = [_of_entry(message, outcome, judgement.entry, graph, node)]
            claimed = device if judgement.outcome == outcome else None
            # Arithmetic on dynamic shapes is there only because the inputs are dynamic: pinned, it folds away.
            computes_shapes = all(lint.origin(graph, name) is Origin.SHAPE for name in node.outputs if name)
            more = SHAPE_ROOTS if computes_shapes else ()
            for finding in found:
                yield replace(finding, verdict=verdict, device=claimed, roots=(EXPLAINED, *more, *finding.roots))


def _of_violation(violation: Violation, lint: LintContext, graph: GraphView, node: Node) -> Finding:
    limit = violation.limit
    return Finding(
        f"{node.op}: {violation.message}",
        graph=graph.path,
        node=node,
        observed={limit.check.subject: violation.observed},
        limit={"kind": limit.check.kind, "rule": limit.describe()},
        evidence=limit.evidence,
        confidence=limit.confidence,
        key=f"{limit.check.kind}:{limit.describe()}",
        roots=SHAPE_ROOTS if _is_about_shapes(violation, lint, graph, node) else (),
    )


def _is_about_shapes(violation: Violation, lint: LintContext, graph: GraphView, node: Node) -> bool:
    """True for a shape that is not static, and an input that would be constant if shapes were."""
    kind = violation.limit.check.kind
    reads_shapes = any(lint.origin(graph, name) is Origin.SHAPE for name in node.inputs if name)
    return kind == "static-shape" or (kind == "constant" and (reads_shapes or violation.outcome == "build-fails"))


def _of_entry(message: str, outcome: str, entry: Entry | None, graph: GraphView, node: Node) -> Finding:
    ends_by_data = outcome == "build-fails" and (node.op in DATA_SHAPED or node.op in CONTROL_INPUTS)
    return Finding(
        f"{message} ({entry.note})" if entry and entry.note else message,
        graph=graph.path,
        node=node,
        observed={"operator": _full_name(node), "opset": _opset(graph, node)},
        evidence=entry.evidence if entry else (),
        confidence=entry.confidence if entry else Confidence.UNKNOWN,
        roots=("RK302",) if ends_by_data else (),
    )


def _full_name(node: Node) -> str:
    return node.op if node.domain in ("", "ai.onnx") else f"{node.domain}::{node.op}"


def _opset(graph: GraphView, node: Node) -> int | None:
    return graph.opset if node.domain in ("", "ai.onnx") else graph.opsets.get(node.domain)
