"""RK104: an operator that runs on the CPU cores of the board."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.rulebook.judged import findings_of_operators
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """Every operator that runs on the CPU in whatever form."""
    otherwise = "{op} runs on the CPU"
    return findings_of_operators(lint, "cpu", otherwise=otherwise)
