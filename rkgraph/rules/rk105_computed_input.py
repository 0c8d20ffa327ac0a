"""RK105: an input that has to be a constant, and is computed, or the other way round."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.rulebook.judged import findings_of_limits
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """Every violated limit on whether an input is a constant."""
    return findings_of_limits(lint, "RK105")
