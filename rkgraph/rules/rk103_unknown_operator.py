"""RK103: an operator of which nobody has measured what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.rulebook.judged import findings_of_operators
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """Every operator that the op table does not have, or not for this platform."""
    otherwise = "{op} is not in the op table of {toolkit}: nobody has measured what becomes of it"
    return findings_of_operators(lint, "unknown", otherwise=otherwise)
