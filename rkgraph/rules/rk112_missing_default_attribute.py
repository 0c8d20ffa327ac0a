"""RK112: an attribute that is left out because it has its default, and that the toolkit reads all the same."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Rewrite, Tape
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.defaults import left_out
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.tables.table import Violation


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each attribute that the op table wants written out and that has a default."""
    for graph in lint.model.graphs():
        for node in lint.live_nodes(graph):
            for violation, attribute, default in left_out(graph, node, lint.judgement(node)):
                yield _finding(graph, node, violation, attribute, default)


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same node with the default written out."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    _, node = place
    attribute, default = finding.observed["attribute"], finding.observed["default"]
    tape = Tape(f"rk112/{next(name for name in node.outputs if name)}")
    attributes = {**node.attributes, attribute: default}
    new = tape.ops(node.op, *node.inputs, count=len(node.outputs), domain=node.domain, **attributes)
    replaces = {old: name for old, name in zip(node.outputs, new, strict=True) if old}
    return Rewrite(replaces, tape, EXACT, detail=f"{attribute} = {default:g} written out")


def _finding(graph: GraphView, node: Node, violation: Violation, attribute: str, default: float) -> Finding:
    return Finding(
        f"{node.op} leaves out {attribute}, whose default is {default:g}; the toolkit looks for it without a default",
        graph=graph.path,
        node=node,
        observed={"attribute": attribute, "default": default},
        limit={"attribute": "written out"},
        evidence=violation.limit.evidence,
        confidence=violation.limit.confidence,
        verdict=Verdict.BUILD_FAILS if violation.outcome == "build-fails" else None,
        key=attribute,
        explains=frozenset({(graph.path, node.index)}),
    )
