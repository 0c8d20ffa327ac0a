"""RK104: an operator that runs on the CPU cores of the board."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Device
from rkgraph.rulebook.judged import findings_of_outcome
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """Every reason why a node would leave the NPU."""
    return findings_of_outcome(
        lint,
        "cpu",
        otherwise="{op} runs on the CPU",
        device=Device.CPU,
    )
