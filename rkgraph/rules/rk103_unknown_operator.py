"""RK103: an operator, or a form of one, of which nobody has measured what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Device, Verdict
from rkgraph.rulebook.judged import findings_of_outcome
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """Every reason why the op table cannot say what becomes of a node."""
    return findings_of_outcome(
        lint,
        "unknown",
        otherwise="{op} is not in the op table of {toolkit}: nobody has measured what becomes of it",
        verdict=Verdict.UNKNOWN,
        device=Device.UNKNOWN,
    )
