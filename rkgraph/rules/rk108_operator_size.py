"""RK108: an operator with tensors of a size or shape that takes it elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.rulebook.judged import findings_of_limits
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """Every violated limit on dimensions, their products, batches, broadcasts, and axes."""
    return findings_of_limits(lint, "RK108")
