"""RK101: an operator that builds and simulates, and that the board's runtime refuses."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Device, Verdict
from rkgraph.rulebook.judged import findings_of_outcome
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """Every reason why a node would be lowered to a generic custom operator."""
    return findings_of_outcome(
        lint,
        "no-kernel",
        otherwise="{op} is lowered to a generic custom operator, which the runtime on the board refuses",
        verdict=Verdict.NO_BOARD_KERNEL,
        device=Device.NO_KERNEL,
    )
