"""What becomes of the model as a whole, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence

from rkgraph.diagnostics import Confidence, Verdict
from rkgraph.rulebook.rule import Finding, LintContext

__all__ = ["decide"]

# One node that ends the build decides for the model; then one that the board refuses; then one that nobody knows.
_WORST_FIRST = (Verdict.BUILD_FAILS, Verdict.NO_BOARD_KERNEL, Verdict.UNKNOWN)


def decide(context: LintContext, findings: Sequence[Finding]) -> tuple[Verdict, Confidence]:
    """Verdict, and the confidence of the weakest ground that it needs.

    A bad verdict needs one finding, so the surest finding of that verdict carries it. `deployable` needs every node to
    lower, so the least sure judgement carries it. `unknown` is sure of nothing.
    """
    for verdict in _WORST_FIRST:
        grounds = [finding.confidence for finding in findings if finding.verdict is verdict]
        if grounds:
            surest = max(grounds, key=lambda c: c.rank)
            return verdict, Confidence.UNKNOWN if verdict is Verdict.UNKNOWN else surest
    grounds = [judgement.confidence for place, judgement in context.judgements.items() if place not in context.folded]
    return Verdict.DEPLOYABLE, min(grounds, key=lambda c: c.rank, default=Confidence.PROBED)
