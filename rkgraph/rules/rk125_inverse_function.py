"""RK125: inverse trigonometric and hyperbolic functions, which have no kernel."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.graph.rewrite import Edit, Refusal, Tolerance
from rkgraph.graph.view import Node
from rkgraph.rulebook.elementary import ERRORS, Elementary
from rkgraph.rulebook.elementwise import lowered
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each that cannot run as it is."""
    for graph, node in needing(lint, ERRORS):
        yield not_as_it_is(lint, graph, node, f"a polynomial comes within {ERRORS[node.op]:.1e} of it")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The argument reduced, and a polynomial of what is left."""
    error = ERRORS[finding.observed["operator"]]
    # Rounding comes on top of the polynomial's own error, and Acos is measured against π.
    tolerance = Tolerance(2e-6 if finding.observed["operator"] != "Acos" else 2e-5, 2 * error + 2e-6)
    return lowered(
        lint, finding, _record, prefix="rk125", tolerance=tolerance, detail=f"a polynomial, error {error:.1e}"
    )


def _record(write: Writer, node: Node, inputs: tuple[str, ...], dtype: str) -> str:
    function = Elementary(write, dtype)
    forms = {
        "Acos": function.acos,
        "Acosh": function.acosh,
        "Asin": function.asin,
        "Asinh": function.asinh,
        "Atan": function.atan,
        "Atanh": function.atanh,
    }
    return forms[node.op](inputs[0])
