"""RK240: a node whose result is beyond fp16 on the user's samples, though what it reads is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.rulebook.fp16_findings import troubles_of

if TYPE_CHECKING:
    from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each node where fp16 overflows first."""
    return troubles_of(
        lint, "overflow", lambda t: f"{t.value} reaches {t.largest:.4g} on the samples; fp16 ends at 65504"
    )
