"""RK234: the logarithm of a Softmax or a Sigmoid, which vanish in fp16 long before their logarithms are large."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import Between, Edit, Refusal, Rewrite, Tolerance
from rkgraph.rulebook.known import axis_of, float_of, lower, shape_of
from rkgraph.rulebook.lowering import CANNOT_RUN
from rkgraph.rulebook.pattern import Match, match, pattern
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer

OLD_DEFAULT, NEW_DEFAULT, ONE_AXIS = 1, -1, 13  # of Softmax's axis; since opset 13 it is over that axis alone


@dataclass(frozen=True)
class _Form:
    """What is written, the operator that says it better, and how near both are, for numbers within bounds."""

    pattern: str
    instead: str
    within: Between
    tolerance: Tolerance


FORMS = {
    "softmax": _Form("Log(p=Softmax(x))", "LogSoftmax", Between(-30.0, 30.0), Tolerance(1e-5, 1e-5)),
    "sigmoid": _Form("Log(p=Sigmoid(x))", "Softplus", Between(-10.0, 40.0), Tolerance(1e-3, 1e-5)),
    # ONNX Runtime's Sigmoid is a quotient of polynomials, 1e-3 off at -12; 1 − p has the spacing of float32 at 1
    "rest": _Form("Log(Sub(#one, p=Sigmoid(x)))", "Softplus", Between(-40.0, 8.0), Tolerance(1e-3, 1e-5)),
}


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each such logarithm."""
    for graph in lint.model.graphs():
        if "Log" not in graph.ops:
            continue
        for node in lint.live_nodes(graph):
            kind = _kind(graph, node)
            if kind is not None and _is_there(lint, FORMS[kind].instead):
                yield Finding(
                    f"the logarithm of a probability: below 6e-8 that is 0 in fp16, and its logarithm infinite; "
                    f"{FORMS[kind].instead} does not take it",
                    graph=graph.path,
                    node=node,
                    observed={"form": kind},
                    limit={"least logarithm": -16.6},
                    evidence=("facts:cards",),
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """LogSoftmax, or a Softplus: log σ(x) = −log(1 + e^−x) and log(1 − σ(x)) = −log(1 + e^x)."""
    return lower(lint, finding, "rk234", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    kind = _kind(graph, node)
    assert kind is not None  # noqa: S101  # it was found
    form = FORMS[kind]
    found = match(graph, node.outputs[0], pattern(form.pattern))
    assert isinstance(found, Match)  # noqa: S101
    x = found.values["x"]
    float_of(graph, x)
    if kind == "softmax":
        default = NEW_DEFAULT if graph.opset >= ONE_AXIS else OLD_DEFAULT
        axis = axis_of(found.named["p"], len(shape_of(graph, x)), default)  # the toolkit fails on one counted back
        new = write.op("LogSoftmax", x, axis=axis)
    else:
        new = write.op("Neg", write.op("Softplus", write.op("Neg", x) if kind == "sigmoid" else x))
    return write.rewrite({node.outputs[0]: new}, form.tolerance, form.instead, within={x: form.within})


def _kind(graph: GraphView, node: Node) -> str | None:
    if node.op != "Log" or node.domain not in ("", "ai.onnx"):
        return None
    for kind, form in FORMS.items():
        found = match(graph, node.outputs[0], pattern(form.pattern))
        if isinstance(found, Match) and found.numbers.get("one", 1.0) == 1.0:
            return kind
    return None


def _is_there(lint: LintContext, op: str) -> bool:
    entry = lint.table.entry(op, lint.target.platform)
    return entry is not None and entry.outcome not in CANNOT_RUN
