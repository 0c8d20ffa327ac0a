"""RK105: an input that has to be a constant, and is computed, or the other way round."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Verdict
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.judged import findings_of_limits
from rkgraph.rulebook.rule import EXPLAINED, Finding, LintContext
from rkgraph.targets import constant_inputs


def check(lint: LintContext) -> Iterator[Finding]:
    """Every violated limit on whether an input is a constant, and every input that the toolkit checks itself.

    What both say is said once, by the toolkit's own check. It is made before dead nodes are dropped.
    """
    checked = dict(_checked(lint))
    for finding in findings_of_limits(lint, "RK105"):
        place = (finding.graph, finding.node.index) if finding.node else None
        if place not in checked or finding.verdict is not Verdict.BUILD_FAILS:
            yield finding
    for graph in (lint.model.main, *lint.model.functions):
        for node in graph.nodes:
            for position in checked.get((node.path, node.index), ()):
                yield _finding(graph, node, position)


def _checked(lint: LintContext) -> Iterator[tuple[tuple[str, int], tuple[int, ...]]]:
    """Nodes with an input that has to be a constant and is none, and the positions of these inputs."""
    table = constant_inputs()
    for graph in (lint.model.main, *lint.model.functions):
        for node in graph.nodes:
            wanted = table.get(node.op, ()) if node.domain in ("", "ai.onnx") else ()
            given = (p for p in wanted if p < len(node.inputs) and node.inputs[p])
            computed = tuple(p for p in given if not lint.is_constant(graph, node.inputs[p]))
            if computed and (node.path, node.index) not in lint.folding.constant:
                yield (node.path, node.index), computed


def _finding(graph: GraphView, node: Node, position: int) -> Finding:
    return Finding(
        f"{node.op}: input {position} ({node.inputs[position]}) must be a constant; here computed; the toolkit checks "
        "this first, and ends the build",
        graph=graph.path,
        node=node,
        observed={f"input {position}": "computed"},
        limit={"kind": "constant", "rule": f"input {position} must be a constant"},
        evidence=("probe:model-laws/*",),
        verdict=Verdict.BUILD_FAILS,
        key=f"checked:{position}",
        roots=(EXPLAINED, "RK301", "RK302"),
    )
