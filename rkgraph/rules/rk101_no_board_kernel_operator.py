"""RK101: an operator that builds and simulates, and that the board's runtime refuses."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.rulebook.judged import findings_of_operators
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """Every operator that is lowered to a generic custom operator in whatever form."""
    otherwise = "{op} is lowered to a generic custom operator, which the runtime on the board refuses"
    return findings_of_operators(lint, "no-kernel", otherwise=otherwise)
