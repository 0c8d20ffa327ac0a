"""What a comparison says of a proof: proved, refuted with its counterexample, or skipped with the reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rkgraph.graph.rewrite import Tolerance
from rkgraph.proof.counterexample import save_counterexample
from rkgraph.proof.equivalence import Comparison
from rkgraph.results import Proof

__all__ = ["SATURATES", "conclude", "told"]

SATURATES = "saturates beyond"
"""The key of a saturation in a tolerance as the report has it."""


def conclude(proof: Proof, comparison: Comparison, counterexamples: Path | None) -> Proof:
    """`proof` with the outcome of `comparison`; what was left out stands behind the detail that it has already.

    Args:
        proof: what is to be proved, and how.
        comparison: what came of it.
        counterexamples: folder for the inputs of a refutation; None saves nothing.
    """
    done = replace(proof, cases=comparison.cases, largest_error=comparison.largest_error)
    if comparison.difference is not None:
        wrong = comparison.difference
        path = None if counterexamples is None else counterexamples / f"{proof.id}.npz"
        if path is not None:
            save_counterexample(path, wrong.case.feeds)
        detail = f"{wrong.case.label}: {wrong.message}"
        return replace(done, outcome="refuted", detail=detail, counterexample=None if path is None else str(path))
    if not comparison.is_enough:
        return replace(done, outcome="skipped", detail=comparison.reservation or "there is nothing to compare")
    detail = "; ".join(filter(None, (proof.detail, comparison.reservation)))
    return replace(done, outcome="proved", detail=detail)


def told(tolerance: Tolerance) -> dict[str, float]:
    """A tolerance as the report has it."""
    further = {SATURATES: tolerance.beyond, "norm": tolerance.norm or None}
    given = {key: value for key, value in further.items() if value is not None}
    return {"absolute": tolerance.absolute, "relative": tolerance.relative, **given}
