"""Findings straight from the op table, in the words of its entries and limits.

What the table says of an operator as such is reported by outcome (RK101 to RK104); a violated limit is reported by its
kind (`rule_of_kind`), whatever it leads to. A node gets all of its findings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from rkgraph.analysis.origins import CONTROL_INPUTS, DATA_SHAPED, Origin
from rkgraph.diagnostics import Confidence, Device, Severity, Verdict
from rkgraph.rulebook.rule import EXPLAINED, Finding, LintContext

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.tables.entry import Entry
    from rkgraph.tables.table import Judgement, Violation

__all__ = ["OTHER_KINDS", "RULES_OF_KINDS", "findings_of_limits", "findings_of_operators", "rule_of_kind"]

RULES_OF_KINDS: Mapping[str, tuple[str, ...]] = {
    "RK105": ("constant",),
    "RK106": ("dtype",),
    "RK107": ("rank", "rank-order", "same-rank", "true-rank"),
    "RK108": (
        "dimension",
        "product",
        "elements",
        "batch",
        "static-shape",
        "broadcast",
        "axis",
        "axis-size",
        "multiple",
        "square",
        "ratio",
        "divisible",
        "window-overhang",
    ),
    "RK113": (
        "attribute-in",
        "attribute-range",
        "attribute-presence",
        "attribute-matches",
        "attribute-uniform",
        "constant-range",
        "constant-in",
        "grouping",
    ),
}
"""Code → the kinds of limits that it speaks for."""

OTHER_KINDS = "RK114"
"""Speaks for all other kinds: what stands beside a node, and which of its inputs and outputs are there."""

# Limits that a dynamic input, or a shape that comes from data, is the reason to break.
SHAPE_ROOTS = ("RK301", "RK302")


class _Meaning(NamedTuple):
    severity: Severity
    verdict: Verdict | None
    device: Device | None


# What an outcome means for the report, the model and the node. A node that ends the build runs nowhere.
_MEANINGS: Mapping[str, _Meaning] = {
    "no-kernel": _Meaning(Severity.ERROR, Verdict.NO_BOARD_KERNEL, Device.NO_KERNEL),
    "build-fails": _Meaning(Severity.ERROR, Verdict.BUILD_FAILS, None),
    "unknown": _Meaning(Severity.WARNING, Verdict.UNKNOWN, Device.UNKNOWN),
    "cpu": _Meaning(Severity.WARNING, None, Device.CPU),
}


def rule_of_kind(kind: str) -> str:
    """The code of the rule that speaks for limits of a kind."""
    return next((code for code, kinds in RULES_OF_KINDS.items() if kind in kinds), OTHER_KINDS)


def findings_of_operators(lint: LintContext, outcome: str, *, otherwise: str) -> Iterator[Finding]:
    """One finding for each live node whose entry has this outcome itself, unless a limit that it violates says so, too.

    Args:
        lint: what may be looked at.
        outcome: "cpu", "no-kernel", "build-fails" or "unknown".
        otherwise: the message; "{op}" and "{toolkit}" are filled in.
    """
    for graph, node, judgement in _judged(lint):
        own = judgement.entry.outcome if judgement.entry else "unknown"
        if own == outcome and all(v.outcome != outcome for v in judgement.violations):
            yield _of_entry(otherwise, outcome, lint, graph, node)


def findings_of_limits(lint: LintContext, code: str) -> Iterator[Finding]:
    """One finding for each limit of the kinds of rule `code` that a live node violates, in the limit's own words."""
    for graph, node, judgement in _judged(lint):
        for violation in judgement.violations:
            if violation.outcome in _MEANINGS and rule_of_kind(violation.limit.check.kind) == code:
                yield _of_violation(violation, lint, graph, node)


def _judged(lint: LintContext) -> Iterator[tuple[GraphView, Node, Judgement]]:
    """The live nodes that are lowered by themselves: those in a body of another node are that node's."""
    for graph in lint.model.graphs():
        if graph.parent is None:
            for node in lint.live_nodes(graph):
                yield graph, node, lint.judgement(node)


def _of_violation(violation: Violation, lint: LintContext, graph: GraphView, node: Node) -> Finding:
    limit, meaning = violation.limit, _MEANINGS[violation.outcome]
    return Finding(
        f"{node.op}: {violation.message}",
        graph=graph.path,
        node=node,
        observed={limit.check.subject: violation.observed},
        limit={"kind": limit.check.kind, "rule": limit.describe()},
        evidence=limit.evidence,
        confidence=limit.confidence,
        severity=meaning.severity,
        verdict=meaning.verdict,
        device=meaning.device if lint.judgement(node).outcome == violation.outcome else None,
        key=f"{violation.outcome}:{limit.check.kind}:{limit.describe()}",
        roots=_roots(lint, graph, node, SHAPE_ROOTS if _is_about_shapes(violation, lint, graph, node) else ()),
    )


def _is_about_shapes(violation: Violation, lint: LintContext, graph: GraphView, node: Node) -> bool:
    """True for a shape that is not static, and an input that would be constant if shapes were."""
    kind = violation.limit.check.kind
    reads_shapes = any(lint.origin(graph, name) is Origin.SHAPE for name in node.inputs if name)
    return kind == "static-shape" or (kind == "constant" and (reads_shapes or violation.outcome == "build-fails"))


def _of_entry(otherwise: str, outcome: str, lint: LintContext, graph: GraphView, node: Node) -> Finding:
    judgement = lint.judgement(node)
    entry: Entry | None = judgement.entry
    told_by_board = outcome == "unknown" and entry is not None and entry.confidence is Confidence.DEVICE
    if told_by_board:  # it was measured, and what came out is no use on any device
        otherwise = "{op} builds, and a board does not run it right"
    message = otherwise.format(op=node.full_op, toolkit=lint.table.version)
    meaning = _MEANINGS[outcome]
    ends_by_data = outcome == "build-fails" and (node.op in DATA_SHAPED or node.op in CONTROL_INPUTS)
    return Finding(
        f"{message} ({entry.note})" if entry and entry.note else message,
        graph=graph.path,
        node=node,
        observed={"operator": node.full_op, "opset": _opset(graph, node)},
        evidence=entry.evidence if entry else (),
        confidence=entry.confidence if entry else Confidence.UNKNOWN,
        severity=meaning.severity,
        verdict=meaning.verdict,
        device=meaning.device if judgement.outcome == outcome else None,
        roots=_roots(lint, graph, node, ("RK302",) if ends_by_data else ()),
    )


def _roots(lint: LintContext, graph: GraphView, node: Node, more: tuple[str, ...]) -> tuple[str, ...]:
    """Arithmetic on dynamic shapes is there only because the inputs are dynamic: pinned, it folds away."""
    computes_shapes = all(lint.origin(graph, name) is Origin.SHAPE for name in node.outputs if name)
    return (EXPLAINED, *(SHAPE_ROOTS if computes_shapes else ()), *more)


def _opset(graph: GraphView, node: Node) -> int | None:
    return graph.opset if node.domain in ("", "ai.onnx") else graph.opsets.get(node.domain)
