"""RK107: an operator with tensors of a rank that takes it elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.rulebook.judged import findings_of_limits
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """Every violated limit on the rank of an input or output."""
    return findings_of_limits(lint, "RK107")
