"""RK241: a node whose result vanishes in fp16 on the user's samples, though what it reads does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.rulebook.fp16_findings import troubles_of

if TYPE_CHECKING:
    from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each node where fp16 underflows first."""
    return troubles_of(
        lint,
        "underflow",
        lambda t: f"{t.value} is {t.largest:.3g} at most on the samples; fp16 keeps all digits down to 6.1e-05",
    )
