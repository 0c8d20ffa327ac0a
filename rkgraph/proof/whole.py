"""The whole-model proof: the original file against the fixed model, in a child process.

It catches what local proofs cannot: that an edit was applied at the wrong place, that small errors add up, that an
opset changed a meaning.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence, Set
from dataclasses import field, replace
from pathlib import Path

from rkgraph.analysis.evaluator import Array, EvaluationError
from rkgraph.analysis.evaluator_child import Answer, evaluate_apart
from rkgraph.analysis.intervals import DTYPE_RANGES, Interval, Intervals, of_dtype
from rkgraph.analysis.origins import RANDOM
from rkgraph.graph.load import read_view
from rkgraph.graph.model import Model
from rkgraph.graph.rewrite import OpenInterface, RenameOutputs, Tolerance
from rkgraph.graph.view import GraphView
from rkgraph.proof.equivalence import Comparison, compare
from rkgraph.proof.feeds import Case, domains_of, model_cases
from rkgraph.proof.masked_rows import NOISES, WHY, following, with_other_shares
from rkgraph.proof.verdict import conclude, told
from rkgraph.records import Record
from rkgraph.results import Proof

__all__ = ["LARGEST", "MODEL_TOLERANCE", "WholeClaim", "not_compared", "prove_model"]

LARGEST = 500 * 2**20  # bytes of a model that is compared as a whole without being asked to

# Rounding of a deep network's rewrites adds up; fp16 on the target is a thousand times coarser.
MODEL_TOLERANCE = Tolerance(1e-4, 1e-3)

CASES = 3


class WholeClaim(Record):
    """What is compared: the original file and the fixed model.

    Attributes:
        original: path of the model before.
        fixed: the model after.
        known: intervals of inputs that the comparison is limited to.
        frozen: values of inputs that the fixed model no longer has.
        real: real inputs of the user's; where there are some, none are made up.
        dtypes: input or output → its dtype in the original, where the fixed model has another one.
        tolerance: how far the results may lie apart.
        scalars: inputs of rank 0 in the original, which have the shape [1] in the fixed model.
        opened: what is no tensor at the interface of the original, and tensors in the fixed model.
        shapes: output → its shape in the fixed model, where the original hands the same numbers out in another one.
        names: output of the original → its name in the fixed model, where that is another one.
        saturates: the fixes made a fill of masks another one beyond ± this; None: they did not. What follows from rows
            that such a fill covers as a whole is not compared.
    """

    original: Path
    fixed: Model
    known: Mapping[str, Interval] = field(default_factory=dict)
    frozen: Mapping[str, Array] = field(default_factory=dict)
    real: Sequence[Mapping[str, Array]] = ()
    dtypes: Mapping[str, str] = field(default_factory=dict)
    tolerance: Tolerance = MODEL_TOLERANCE
    scalars: frozenset[str] = frozenset()
    opened: OpenInterface = field(default_factory=OpenInterface)
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    saturates: float | None = None


def prove_model(claim: WholeClaim, proof_id: str, counterexamples: Path | None) -> Proof:
    """Compare both models on the user's inputs, or on made-up ones.

    Returns:
        A proof with outcome "proved", "refuted", or "skipped" where one of them cannot be evaluated, or is random.
    """
    proof = not_compared(claim, proof_id, "")
    main = claim.fixed.view().main
    chance = _chance(main) or _chance(read_view(claim.original).main)  # what was random may be an input now
    if chance is not None:
        return replace(proof, detail=f"two runs of the model differ by themselves: {chance} is random")
    cases = _cases(main, claim)
    if isinstance(cases, str):
        return replace(proof, detail=cases)
    try:
        comparison = _compare(claim, cases, main)
    except EvaluationError as error:
        return replace(proof, detail=error.message)
    if comparison.difference is not None and claim.tolerance.norm and not claim.real:
        # Noise that no real input is like may let a recurrent network's roundings grow until nothing is alike.
        why = f"made-up inputs do not show that it is near its quantised original: {comparison.difference.message}"
        return replace(proof, detail=f"{why}; give real ones with --inputs")
    return conclude(proof, comparison, counterexamples)


def not_compared(claim: WholeClaim, proof_id: str, why: str) -> Proof:
    """The proof of `claim`, skipped for the reason `why`."""
    return Proof(
        id=proof_id,
        kind="model",
        outcome="skipped",
        subject=f"{claim.original.name} before and after",
        method="ONNX Runtime, optimisations off, in a child process, on "
        + ("the given inputs" if claim.real else "random inputs"),
        tolerance=told(claim.tolerance),
        detail=why,
    )


def _chance(graph: GraphView) -> str | None:
    """The first node that gives other results each time it runs."""
    for node in graph.nodes:
        training = graph.constant(node.inputs[2]) if node.op == "Dropout" and len(node.inputs) > 2 else None
        if node.op in RANDOM or (training is not None and any(training.values)):
            return f"{node.label} ({node.op})"
    return None


def _cases(main: GraphView, claim: WholeClaim) -> list[Case] | str:
    if claim.real:
        return [Case(f"given inputs {i}", {**claim.frozen, **feeds}) for i, feeds in enumerate(claim.real)]
    narrower = {name: of_dtype(dtype) for name, dtype in claim.dtypes.items() if name in main.inputs}
    domains = domains_of(main.inputs, Intervals(main, {**narrower, **claim.known}))
    if isinstance(domains, str):
        return domains
    # Whole numbers are drawn as such, masks as masks, whatever dtype now carries them.
    whole = {name: dtype for name, dtype in claim.dtypes.items() if name in domains and dtype in DTYPE_RANGES}
    domains |= {name: replace(domains[name], dtype=dtype) for name, dtype in whole.items()}
    return [Case(case.label, {**claim.frozen, **case.feeds}) for case in model_cases(domains, CASES)]


def _compare(claim: WholeClaim, cases: Sequence[Case], main: GraphView) -> Comparison:
    with tempfile.TemporaryDirectory(prefix="rkgraph-") as folder:
        fixed = Path(folder) / "fixed.onnx"
        claim.fixed.save(fixed, "inline")
        original = _with_tensors(claim, Path(folder) / "original.onnx")
        claim = replace(claim, original=original)
        before, after = _evaluated(claim, fixed, cases, main)
        rows = {id(case.feeds): index for index, case in enumerate(cases)}
        shaken = Path(folder) / "shaken.onnx"

        def covered(case: Case, expected: Mapping[str, Array]) -> Mapping[str, Array]:
            if claim.saturates is None or not with_other_shares(claim.original, claim.saturates, shaken):
                return {}
            answers, _ = _evaluated(replace(claim, original=shaken), fixed, [case] * NOISES, main)
            return following(expected, [_answer(answer) for answer in answers])

        return compare(
            lambda feeds: _answer(before[rows[id(feeds)]]),
            lambda feeds: _answer(after[rows[id(feeds)]]),
            cases,
            {name: name for name in main.outputs},
            claim.tolerance,
            can_rerun=False,
            undefined=None if claim.saturates is None else (covered, WHY),
        )


def _evaluated(claim: WholeClaim, fixed: Path, cases: Sequence[Case], main: GraphView) -> list[list[Answer]]:
    """The answers of the original and of the fixed model; both have the dtypes and shapes of the fixed model."""
    feeds = [case.feeds for case in cases]
    if not claim.dtypes and not claim.scalars:
        before, after = evaluate_apart([claim.original, fixed], feeds)
        return [_reshaped(before, claim.shapes), after]
    wider = {name: main.value(name).dtype or dtype for name, dtype in claim.dtypes.items()}
    (before,) = evaluate_apart(
        [claim.original], [_scalars(_cast(arrays, claim.dtypes), claim.scalars) for arrays in feeds]
    )
    (after,) = evaluate_apart([fixed], [_cast(arrays, wider) for arrays in feeds])
    alike = [answer if isinstance(answer, EvaluationError) else _cast(answer, wider) for answer in before]
    return [_reshaped(alike, claim.shapes), after]


def _reshaped(answers: Sequence[Answer], shapes: Mapping[str, tuple[int, ...]]) -> list[Answer]:
    """The answers with outputs in these shapes, where they have as many elements: else the comparison will tell."""
    return [
        answer
        if isinstance(answer, EvaluationError)
        else {name: _of_shape(array, shapes.get(name, array.shape)) for name, array in answer.items()}
        for answer in answers
    ]


def _of_shape(array: Array, shape: tuple[int, ...]) -> Array:
    return array.reshape(shape) if array.size == math.prod(shape) else array


def _with_tensors(claim: WholeClaim, path: Path) -> Path:
    """The original with the interface of the fixed model, written to `path` where that is another one."""
    if not claim.opened.inputs and not claim.opened.outputs and not claim.names:
        return claim.original
    original = Model.load(claim.original)
    original.apply(claim.opened)
    original.apply(RenameOutputs(claim.names))
    original.save(path, "inline")
    return path


def _scalars(arrays: Mapping[str, Array], names: Set[str]) -> dict[str, Array]:
    """The arrays, those called `names` without dimensions."""
    return {name: array.reshape(()) if name in names else array for name, array in arrays.items()}


def _cast(arrays: Mapping[str, Array], dtypes: Mapping[str, str]) -> dict[str, Array]:
    return {name: array.astype(dtypes.get(name, array.dtype)) for name, array in arrays.items()}


def _answer(answer: Answer) -> Mapping[str, Array]:
    if isinstance(answer, EvaluationError):
        raise answer
    return answer
