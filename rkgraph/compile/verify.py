"""What the toolkit's simulator computed against what ONNX Runtime computes, output by output."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkgraph.analysis.similarity import cosine
from rkgraph.errors import UsageError
from rkgraph.results import Proof

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]
    Feeds = Mapping[str, Array]

__all__ = ["OutputMatch", "Verification", "compare", "normalise", "reference_outputs", "verify"]


@dataclass(frozen=True)
class OutputMatch:
    """How well one output was met over all cases.

    Attributes:
        name: of the output.
        cosine: the lowest over the cases of the cosine between the flattened arrays (1 where both are all zero);
            None where a case cannot be compared: NaN, an infinity at another place, or another shape.
        largest_error: the largest absolute difference of two finite elements.
        detail: why it cannot be compared; empty where it can.
    """

    name: str
    cosine: float | None
    largest_error: float
    detail: str = ""


@dataclass(frozen=True)
class Verification:
    """The verdict: every output reached the threshold in every case."""

    threshold: float
    against: str
    cases: int
    outputs: tuple[OutputMatch, ...]

    @property
    def passed(self) -> bool:
        """Every output's cosine is at or above the threshold, and nothing was beyond comparison."""
        return bool(self.outputs) and all(
            match.cosine is not None and match.cosine >= self.threshold for match in self.outputs
        )

    @property
    def record(self) -> dict[str, Any]:
        """Plain data for the report."""
        return {
            "backend": "simulator",
            "reference": self.against,
            "cases": self.cases,
            "threshold": self.threshold,
            "passed": self.passed,
            "outputs": [asdict(match) for match in self.outputs],
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any], threshold: float) -> Verification:
        """The verification that `record` was made of, judged by `threshold`."""
        outputs = tuple(OutputMatch(**match) for match in record["outputs"])
        return cls(threshold, record["reference"], record["cases"], outputs)

    @property
    def proof(self) -> Proof:
        """The verification as a proof of kind "simulator"."""
        worst = min((match.cosine for match in self.outputs if match.cosine is not None), default=None)
        details = [f"{match.name}: {match.detail}" for match in self.outputs if match.detail]
        return Proof(
            id="simulator",
            kind="simulator",
            outcome="proved" if self.passed else "refuted",
            subject="the compiled model",
            method=f"toolkit's simulator against ONNX Runtime ({self.against})",
            cases=self.cases,
            tolerance={"cosine": self.threshold},
            largest_error=max((match.largest_error for match in self.outputs), default=None),
            detail="; ".join(details) or (f"lowest cosine {worst:.8f}" if worst is not None else ""),
        )


def verify(simulated: Sequence[Feeds], expected: Sequence[Feeds], threshold: float, against: str) -> Verification:
    """Compare simulated outputs with expected ones, case by case.

    Raises:
        UsageError: the models have no output in common.
    """
    names = [name for name in simulated[0] if name in expected[0]]
    if not names:
        raise UsageError(
            f"{against}: has none of the outputs {', '.join(simulated[0])}", "verify against the same model"
        )
    matches = (
        worst(compare(name, want[name], have[name]) for have, want in zip(simulated, expected, strict=True))
        for name in names
    )
    return Verification(threshold, against, len(simulated), tuple(matches))


def compare(name: str, expected: Array, actual: Array) -> OutputMatch:
    """One output in one case. NaN is never right, not even where NaN was expected."""
    import numpy as np

    if expected.shape == () and actual.size == 1:
        actual = actual.reshape(())  # the toolkit has no scalars: it hands out vectors of one element
    if expected.shape != actual.shape:
        return OutputMatch(name, None, math.inf, f"its shape is {actual.shape}, not {expected.shape}")
    want, have = expected.astype(np.float64).ravel(), actual.astype(np.float64).ravel()
    for values, who in ((have, "the simulator's"), (want, "ONNX Runtime's")):
        if np.isnan(values).any():
            return OutputMatch(
                name, None, math.inf, f"{np.isnan(values).sum()} of {who} {values.size} elements are NaN"
            )
    finite = np.isfinite(want)
    if not np.array_equal(finite, np.isfinite(have)) or not np.array_equal(want[~finite], have[~finite]):
        return OutputMatch(name, None, math.inf, "infinite elements differ")
    want, have = want[finite], have[finite]
    largest = float(np.abs(want - have).max(initial=0.0))
    return OutputMatch(name, cosine(want, have), largest)


def worst(matches: Iterable[OutputMatch]) -> OutputMatch:
    """The matches of one output over all cases as one: lowest cosine, largest error, first thing beyond comparison."""
    found = list(matches)
    spoilt = next((match for match in found if match.cosine is None), None)
    largest = max(match.largest_error for match in found)
    if spoilt is not None:
        return OutputMatch(spoilt.name, None, largest, spoilt.detail)
    return OutputMatch(found[0].name, min(match.cosine for match in found if match.cosine is not None), largest)


def reference_outputs(model: Path, cases: Sequence[Feeds], options: Mapping[str, Any]) -> list[dict[str, Array]]:
    """What ONNX Runtime computes for each case, after the normalisation that the .rknn does itself.

    Raises:
        EvaluationError: ONNX Runtime cannot run the model on these inputs.
        UsageError: the model has an input that no case has.
    """
    from rkgraph.analysis.evaluator import Evaluator

    evaluator = Evaluator(model)
    for name in evaluator.inputs:
        if name not in cases[0]:
            raise UsageError(
                f"{model}: its input {name} is not one of the compiled model's",
                f"it has {', '.join(cases[0])}; verify against a model with the same inputs",
            )
    return [evaluator.run(normalise(case, options)) for case in cases]


def normalise(feeds: Feeds, options: Mapping[str, Any]) -> dict[str, Array]:
    """Feeds as the graph itself sees them: (x - mean) / std along axis 1, one list of channel values an input.

    Args:
        feeds: arrays by input name in model order, NCHW.
        options: build options as plain data; `mean_values` and `std_values` are read.
    """
    import numpy as np

    means: Sequence[Sequence[float]] = options.get("mean_values") or ()
    stds: Sequence[Sequence[float]] = options.get("std_values") or ()
    normal: dict[str, Array] = {}
    for position, (name, array) in enumerate(feeds.items()):
        shape = (-1,) + (1,) * (array.ndim - 2)
        value = array
        if position < len(means):
            value = value - np.asarray(means[position], value.dtype).reshape(shape)
        if position < len(stds):
            value = value / np.asarray(stds[position], value.dtype).reshape(shape)
        normal[name] = value
    return normal
