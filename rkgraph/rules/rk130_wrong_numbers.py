"""RK130: a form of an operator that builds, runs, and computes wrong numbers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from rkgraph.analysis.wrong_numbers import TRIGGERS
from rkgraph.diagnostics import Severity
from rkgraph.graph.rewrite import Edit, Refusal
from rkgraph.rulebook.known import lower
from rkgraph.rulebook.right_forms import RIGHT_FORMS
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.tables.wrong_numbers import wrong_numbers


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live node and each law that it is of the form of, in the version at hand.

    All of it was measured in fp16.
    """
    if lint.target.precision != "fp16":
        return
    version, platform = lint.table.version, lint.target.platform
    laws = [law for law in wrong_numbers().values() if law.trigger and law.holds(version, platform)]
    for graph in lint.model.graphs():
        for law in laws:
            if graph.ops.isdisjoint(law.ops):
                continue
            for node in lint.live_nodes(graph):
                if node.op not in law.ops or node.domain not in ("", "ai.onnx") or node.is_parametric:
                    continue
                if TRIGGERS[law.trigger](graph, node, partial(lint.is_constant, graph)):
                    yield Finding(
                        f"{node.op} builds and computes wrong numbers with {version}, {law.describe()}",
                        graph=graph.path,
                        node=node,
                        observed={"operator": node.op, "form": law.name},
                        limit={"form": law.where},
                        evidence=law.evidence,
                        wrong_numbers=not law.depends,
                        severity=Severity.NOTE if law.depends else None,
                        fixable=law.name in RIGHT_FORMS,
                        key=law.name,
                    )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same in a form that comes out right, where there is one."""
    write = RIGHT_FORMS.get(str(finding.observed["form"]))
    if write is None:
        return Refusal("no form of it is known that comes out right", "scale what it is made of, in a layer before")
    return lower(lint, finding, "rk130", write)
