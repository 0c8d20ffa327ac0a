"""The proof of a split: the stages, one after the other, give what the whole model gives, to the last bit.

The nodes are the same, and ONNX Runtime computes them without optimisations, so that nothing may differ at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from rkgraph.analysis.evaluator import Array, EvaluationError, Evaluator
from rkgraph.analysis.intervals import Intervals
from rkgraph.analysis.origins import RANDOM
from rkgraph.graph.model import Model
from rkgraph.graph.rewrite import EXACT
from rkgraph.proof.equivalence import difference
from rkgraph.proof.feeds import domains_of, model_cases
from rkgraph.proof.made_up import made_up
from rkgraph.proof.whole import LARGEST
from rkgraph.results import Proof

__all__ = ["prove_recomposed"]

CASES = 3


def prove_recomposed(whole: Model, stages: Sequence[Model], proof_id: str) -> Proof:
    """Compare a model with its stages on made-up inputs.

    Returns:
        A proof with outcome "proved", "refuted", or "skipped" where the model is random, larger than 500 MB, or cannot
        be evaluated.
    """
    proof = Proof(
        id=proof_id,
        kind="split",
        outcome="skipped",
        subject=f"{len(stages)} stages against the whole model",
        method="ONNX Runtime, optimisations off, stage by stage, on made-up inputs",
        tolerance={"absolute": EXACT.absolute, "relative": EXACT.relative},
    )
    chance = next((node.label for node in whole.view().main.nodes if node.op in RANDOM), None)
    if chance is not None:
        return replace(proof, detail=f"two runs of the model differ by themselves: {chance} is random")
    if whole.weight_bytes > LARGEST:
        return replace(proof, detail=f"a model of more than {LARGEST >> 20} MB is not run for this")
    try:
        before = Evaluator(whole.proto(weights=True))
        after = [Evaluator(stage.proto(weights=True)) for stage in stages]
        return _compared(proof, before, after, list(_cases(whole)))
    except (EvaluationError, ValueError) as error:
        return replace(proof, detail=str(error))


def _cases(whole: Model) -> Iterator[Mapping[str, Array]]:
    """Inputs: such as the whole-model proof has where they are arrays of fixed shape, else anything of their types."""
    main = whole.view().main
    domains = domains_of(main.inputs, Intervals(main))
    if not isinstance(domains, str):
        yield from (case.feeds for case in model_cases(domains, CASES))
        return
    types = {value.name: value.type for value in whole.proto(weights=False).graph.input}
    for seed in range(CASES):
        random = np.random.default_rng(seed)
        yield {name: made_up(types[name], random) for name in main.inputs}


def _compared(
    proof: Proof, before: Evaluator, after: Sequence[Evaluator], cases: Sequence[Mapping[str, Array]]
) -> Proof:
    compared, why = 0, ""
    for feeds in cases:
        try:
            expected = dict(_flat(before.run(feeds)))
        except EvaluationError as error:
            why = error.message
            continue
        found = _recomposed(after, feeds, before.outputs)
        if isinstance(found, str):
            return replace(proof, outcome="refuted", cases=compared + 1, detail=found)
        compared += 1
        message = _difference(expected, dict(_flat(found)))
        if message:
            return replace(proof, outcome="refuted", cases=compared, detail=message)
    if not compared:
        return replace(proof, detail=f"the whole model does not run on made-up inputs: {why}")
    return replace(proof, outcome="proved", cases=compared, largest_error=0.0)


def _recomposed(
    stages: Sequence[Evaluator], feeds: Mapping[str, Array], outputs: Sequence[str]
) -> dict[str, Array] | str:
    """The outputs of the last values that stages make; why there are none."""
    values = dict(feeds)
    for stage in stages:
        try:
            values |= stage.run(values)
        except EvaluationError as error:
            return error.message
    missing = [name for name in outputs if name not in values]
    return f"no stage makes {missing[0]}" if missing else {name: values[name] for name in outputs}


def _flat(values: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    """The tensors by name, those of a sequence by name and place."""
    for name, value in values.items():
        if value.dtype == object and value.ndim == 1 and any(isinstance(each, np.ndarray) for each in value):
            yield from ((f"{name}[{index}]", each) for index, each in enumerate(value))
        else:
            yield name, value


def _difference(expected: Mapping[str, Array], found: Mapping[str, Array]) -> str:
    if expected.keys() != found.keys():
        return f"has {sorted(found)}, had {sorted(expected)}"
    pairs = ((name, difference(array, found[name], EXACT)[1]) for name, array in expected.items())
    return next((f"{name}: {message}" for name, message in pairs if message), "")
