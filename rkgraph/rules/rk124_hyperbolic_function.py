"""RK124: Tan, Sinh and Cosh, which have no kernel, as algebra of functions that have one."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.graph.rewrite import Edit, Refusal, Tolerance
from rkgraph.graph.view import Node
from rkgraph.rulebook.elementary import Elementary
from rkgraph.rulebook.elementwise import lowered
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

_FORMULAS = {
    "Tan": "Sin(x) / Cos(x)",
    "Sinh": "Tanh(x) · cosh(x)",
    "Cosh": "a square of Exp(|x|/2) and an Elu",
}


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each that cannot run as it is."""
    for graph, node in needing(lint, _FORMULAS):
        yield not_as_it_is(lint, graph, node, f"it is {_FORMULAS[node.op]}")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same function of others."""
    return lowered(
        lint,
        finding,
        _record,
        prefix="rk124",
        tolerance=Tolerance(1e-6, 2e-5),
        detail=_FORMULAS[finding.observed["operator"]],
    )


def _record(write: Writer, node: Node, inputs: tuple[str, ...], dtype: str) -> str:
    function = Elementary(write, dtype)
    return {"Tan": function.tan, "Sinh": function.sinh, "Cosh": function.cosh}[node.op](inputs[0])
