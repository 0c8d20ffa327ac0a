"""RK102: an operator at which the toolkit raises, returns an error or dies."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.rulebook.judged import findings_of_operators
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """Every operator that ends the build in whatever form."""
    otherwise = "{op} ends the build with {toolkit}"
    return findings_of_operators(lint, "build-fails", otherwise=otherwise)
