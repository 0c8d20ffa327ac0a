"""RK102: an operator at which the toolkit raises, returns an error or dies."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Verdict
from rkgraph.rulebook.judged import findings_of_outcome
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """Every reason why a node would end the build."""
    return findings_of_outcome(
        lint,
        "build-fails",
        otherwise="{op} ends the build with {toolkit}",
        verdict=Verdict.BUILD_FAILS,
    )
