"""RK113: an operator with a value of an attribute, or of a small constant, that takes it elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.rulebook.judged import findings_of_limits
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """Every violated limit on what an attribute or a constant input says."""
    return findings_of_limits(lint, "RK113")
