"""RK242: a node whose result loses its digits in fp16 on the user's samples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.rulebook.fp16_findings import troubles_of

if TYPE_CHECKING:
    from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each node where results in fp16 begin to be wrong."""
    return troubles_of(
        lint, "accuracy", lambda t: f"{t.value} is wrong by {100 * t.error:.2g} % in fp16, on the samples"
    )
