"""RK180: a recurrent layer in a form that does not build, or has no kernel, though another form of it has one."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Severity, Verdict
from rkgraph.graph.rewrite import Edit, Refusal, Tolerance
from rkgraph.rulebook.lowering import CANNOT_RUN
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.recurrent import RECURRENT, RecurrentLayer, read_recurrent
from rkgraph.rulebook.recurrent_form import better_form, fails, names_layout, write_form
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each recurrent layer that the compiler takes in another form only."""
    for graph in lint.model.graphs():
        if graph.ops.isdisjoint(RECURRENT):
            continue
        for node in lint.live_nodes(graph):
            if node.op not in RECURRENT or node.domain not in ("", "ai.onnx"):
                continue
            layer = read_recurrent(graph, node)
            form = better_form(lint, graph, layer) if isinstance(layer, RecurrentLayer) else None
            outcome = lint.judgement(node).outcome
            if isinstance(layer, str) or form is None:
                continue
            fatal = fails(lint, graph, layer)
            lost = fatal or outcome in CANNOT_RUN
            if not lost and not names_layout(layer):
                continue
            what = "as it is written does not run on the board; it does" if lost else "is safer"
            yield Finding(
                f"{node.op} {what} {', '.join(form.changes)}",
                graph=graph.path,
                node=node,
                observed={"operator": node.op, "outcome": outcome},
                limit={"form": list(form.changes)},
                severity=Severity.ERROR if lost else Severity.NOTE,
                verdict=Verdict.BUILD_FAILS if fatal else None,
                explains=frozenset({(graph.path, node.index)}),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same layer in the form that the compiler takes."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    layer = read_recurrent(*place)
    if isinstance(layer, str):
        return Refusal(layer)
    form = better_form(lint, place[0], layer)
    if form is None:
        return Refusal("no other form of it is known")
    writer = Writer(place[0], f"rk180/{next(iter(layer.outputs.values()))}")
    replaces = write_form(place[0], layer, writer)
    # The same operator, but for an RNN: its sums come in another order, and roundings go from step to step.
    tolerance = Tolerance(1e-4, 1e-4) if layer.op == "RNN" else Tolerance(1e-6, 1e-6)
    return writer.rewrite(replaces, tolerance, ", ".join(form.changes))
