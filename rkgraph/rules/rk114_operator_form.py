"""RK114: an operator in a form, or beside a neighbour, that takes it elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.rulebook.judged import findings_of_limits
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """Every violated limit on which inputs and outputs are there, how they relate, and what stands beside the node."""
    return findings_of_limits(lint, "RK114")
