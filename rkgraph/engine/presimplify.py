"""`--presimplify`: onnxsim's model takes the place of the original where it computes the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rkgraph.analysis.evaluator import Array
from rkgraph.diagnostics import Location, Safety
from rkgraph.errors import UsageError
from rkgraph.graph.model import Model
from rkgraph.graph.rewrite import PinShapes
from rkgraph.graph.simplify import NotSimplified, simplified
from rkgraph.proof.structure import Declared, structure_problems
from rkgraph.proof.whole import WholeClaim, prove_model
from rkgraph.results import AppliedFix, Proof, RefusedFix
from rkgraph.rulebook.rule import Options

__all__ = ["CODE", "Presimplified", "presimplify"]

CODE = "RK992"
ALLOWED_BY = "--presimplify"


@dataclass(frozen=True)
class Presimplified:
    """What came of it: a fix or a refusal, and the proofs."""

    applied: tuple[AppliedFix, ...] = ()
    refused: tuple[RefusedFix, ...] = ()
    proofs: tuple[Proof, ...] = ()


def presimplify(
    model: Model,
    options: Options,
    inputs: Sequence[Mapping[str, Array]],
    new_id: Callable[[], str],
    counterexamples: Path | None,
) -> Presimplified:
    """Let onnxsim simplify `model`, which stays as it was where that is refuted or cannot be proved.

    Whole models are compared whatever their size, with the shapes that `options` pin: nothing smaller can be.

    Args:
        model: the model as it was loaded.
        options: --shape and --dim.
        inputs: real inputs to compare on; made-up ones where there are none.
        new_id: gives ids of proofs.
        counterexamples: where inputs that refute it are saved.

    Raises:
        UsageError: onnxsim is not installed.
    """
    before, start = model.view(), model.snapshot()
    try:
        state = simplified(model)
    except NotSimplified as error:
        return Presimplified(refused=(_refused(str(error)),))
    if state.sha256 == start.sha256:
        return Presimplified()
    model.restore(state)
    after = model.view()
    values = {name for node in before.main.nodes for name in node.outputs}
    made = {name for node in after.main.nodes for name in node.outputs}
    declared = Declared(removed=frozenset(values), added=frozenset(made))
    problems = structure_problems(before, after, model.proto(weights=False), declared)
    proof = _compared(model, options, inputs, new_id, counterexamples) if not problems else None
    if proof is None or proof.outcome != "proved":
        model.restore(start)
        why = f"it breaks the model: {problems[0]}" if proof is None else _why(proof)
        return Presimplified((), (_refused(why),), (proof,) if proof is not None else ())
    old, new = len(before.main.nodes), len(after.main.nodes)
    fix = AppliedFix(
        code=CODE,
        title="Simplify the model by onnxsim",
        safety=Safety.SAFE,
        at=Location(),
        allowed_by=ALLOWED_BY,
        proofs=(proof.id,),
        detail=f"{old} nodes → {new}",
    )
    return Presimplified((fix,), (), (proof,))


def _compared(
    model: Model,
    options: Options,
    inputs: Sequence[Mapping[str, Array]],
    new_id: Callable[[], str],
    counterexamples: Path | None,
) -> Proof:
    """The proof: the original file against the simplified model with the shapes that are asked for."""
    pinned = model.copy()
    try:
        pinned.apply(PinShapes(dict(options.shapes), dict(options.dims)))
    except UsageError as error:  # said of the original before: the simplified model declares the same inputs
        raise UsageError(f"--presimplify: {error.message}", error.hint) from error
    found = prove_model(WholeClaim(model.path, pinned, real=inputs), new_id(), counterexamples)
    # It is the proof of one step: a proof of kind "model" is about what is written in the end.
    return replace(found, kind="local", subject=f"{model.path.name} before and after onnxsim")


def _why(proof: Proof) -> str:
    verb = "its proof refuted it" if proof.outcome == "refuted" else "it could not be proved"
    return f"{verb}, so it was taken back: {proof.detail}"


def _refused(reason: str) -> RefusedFix:
    return RefusedFix(CODE, Location(), reason)
