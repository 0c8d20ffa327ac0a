"""The local proof of one rewrite: the region that it touches, before and after, on the same inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rkgraph.analysis.evaluator import Array, EvaluationError, Evaluator
from rkgraph.analysis.intervals import Intervals
from rkgraph.graph.applied import Region
from rkgraph.graph.extract import UnknownDtype
from rkgraph.graph.rewrite import EXACT, Tolerance
from rkgraph.proof.equivalence import compare
from rkgraph.proof.feeds import domains_of, local_cases
from rkgraph.proof.verdict import conclude, told
from rkgraph.records import Record
from rkgraph.results import Proof

if TYPE_CHECKING:
    import onnx

__all__ = ["LocalClaim", "Side", "prove_local"]

METHOD = "ONNX Runtime, optimisations off: region before and after on adversarial and random inputs"


class Side(Record):
    """One side of a comparison: how to run it on feeds that are named as in the graph before."""

    run: Callable[[Mapping[str, Array]], Mapping[str, Array]]

    @classmethod
    def of(
        cls, extract: Callable[[list[str], list[str]], onnx.ModelProto], region: Region, names: Mapping[str, str]
    ) -> Side:
        """The side of a model that has `extract`; `names`: value before → value there, where it has another name.

        Raises:
            EvaluationError: ONNX Runtime does not load the region, or the dtype of one of its inputs is unknown.
        """
        inputs = {name: names.get(name, name) for name in region.inputs}
        outputs = {name: names.get(name, name) for name in region.outputs}
        passed_on = {there: here for here, there in inputs.items()}
        computed = [there for there in dict.fromkeys(outputs.values()) if there not in passed_on]
        try:
            evaluator = Evaluator(extract(list(inputs.values()), computed)) if computed else None
        except UnknownDtype as error:
            raise EvaluationError(f"it cannot be cut out: {error}") from error

        def run(feeds: Mapping[str, Array]) -> Mapping[str, Array]:
            found = evaluator.run({inputs[n]: array for n, array in feeds.items()}) if evaluator else {}
            return {
                here: feeds[passed_on[there]] if there in passed_on else found[there] for here, there in outputs.items()
            }

        return cls(run)


class LocalClaim(Record):
    """What is to be proved: `region` computes the same before and after, within `tolerance`.

    `intervals` are those of the graph before, with what the claim is limited to; `assumed` says to what it is limited
    without a proof.
    """

    subject: str
    region: Region
    tolerance: Tolerance
    intervals: Intervals
    assumed: str = ""


def prove_local(claim: LocalClaim, before: Side, after: Side, proof_id: str, counterexamples: Path | None) -> Proof:
    """Compare both sides of `claim` on all local cases.

    Args:
        claim: what is to be proved.
        before: the region before.
        after: the region after.
        proof_id: id of the proof in the report.
        counterexamples: folder for the inputs of a refutation; None saves nothing.

    Returns:
        A proof with outcome "proved", "refuted", or "skipped" (too few cases say something; `detail` says why).
    """
    proof = Proof(
        id=proof_id,
        kind="local",
        outcome="skipped",
        subject=claim.subject,
        method=METHOD if claim.tolerance == EXACT else f"{METHOD}, finite and within fp16",
        tolerance=told(claim.tolerance),
        detail=claim.assumed,
    )
    domains = domains_of(claim.region.inputs, claim.intervals)
    if isinstance(domains, str):
        return replace(proof, detail=domains)
    cases = local_cases(domains, extremes=claim.tolerance == EXACT)
    names = {name: name for name in claim.region.outputs}
    return conclude(proof, compare(before.run, after.run, cases, names, claim.tolerance), counterexamples)


def not_evaluated(proof_id: str, subject: str, error: EvaluationError) -> Proof:
    """The proof of a region that ONNX Runtime does not load."""
    return Proof(id=proof_id, kind="local", outcome="skipped", subject=subject, method=METHOD, detail=error.message)
