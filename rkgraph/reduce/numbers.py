"""Wrong numbers: an output of the simulator that is not what ONNX Runtime computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rkgraph.analysis.evaluator import EvaluationError
from rkgraph.analysis.evaluator_child import evaluate_apart
from rkgraph.compile.verify import OutputMatch, compare, worst
from rkgraph.errors import UsageError
from rkgraph.graph.load import read_view
from rkgraph.reduce.builds import Built
from rkgraph.reduce.feeds import FeedSource
from rkgraph.reduce.outcome import Outcome, Predicate
from rkgraph.reduce.symptoms import Symptom, failure_of

if TYPE_CHECKING:
    import numpy.typing as npt

    Feeds = Mapping[str, npt.NDArray[Any]]

__all__ = ["Compared", "NumbersDiffer", "compare_numbers"]

_HALF_STEP = 2.0**-11  # relative rounding error of fp16


@dataclass(frozen=True)
class Compared:
    """A build, the feeds it was simulated with, what was expected of them, and how well each output was met.

    `shaken` is the lowest cosine between what ONNX Runtime computes of the feeds and of the feeds rounded at random as
    fp16 would: where that is low, the numbers are no more the simulator's fault than the model's. `made_up`: the feeds
    have nothing to do with the original.
    """

    built: Built
    feeds: tuple[Feeds, ...]
    expected: tuple[Feeds, ...]
    matches: tuple[OutputMatch, ...]
    shaken: float
    made_up: bool = False

    def worst_below(self, threshold: float) -> OutputMatch | None:
        """The output that is met worst, where that is below `threshold`."""
        bad = [match for match in self.matches if match.cosine is None or match.cosine < threshold]
        return min(bad, key=lambda match: -2.0 if match.cosine is None else match.cosine, default=None)


@dataclass(frozen=True)
class NumbersDiffer(Symptom):
    """An output of the simulator has a cosine below `threshold` with ONNX Runtime's; or NaN, or another shape.

    Attributes:
        source: of feeds.
        threshold: of the cosine, over all cases.
        steady: hold candidates to numbers that fp16 rounding of the inputs does not change as much.
        names: new name → name in the original, where they differ.
    """

    source: FeedSource
    threshold: float
    steady: bool = True
    names: Mapping[str, str] = field(default_factory=dict)
    kind: str = field(init=False, default="numbers")

    @property
    def what(self) -> str:
        """The threshold."""
        return f"an output whose cosine with ONNX Runtime is below {self.threshold:g} in the simulator"

    def __call__(self, model: Path) -> Outcome:
        """Whether `model` builds, runs in both, and an output differs; with new names, of made-up inputs if it does."""
        for made_up in (True, False) if self.names else (False,):
            outcome = self._of(model, made_up)
            if outcome.shows:
                break
        return outcome

    def _of(self, model: Path, made_up: bool) -> Outcome:
        try:
            feeds = self.source.of(model, self.names, made_up=made_up)
        except UsageError as error:
            return Outcome(False, error.message)
        outputs = read_view(model).main.outputs
        built = self.builds.run(model, feeds, outputs)
        if not built.ok:
            return Outcome(False, f"it cannot be simulated ({failure_of(built, model)})", record=built)
        compared = compare_numbers(model, built, feeds)
        if isinstance(compared, str):
            return Outcome(False, compared, record=built)
        bad = compared.worst_below(self.threshold)
        says = f"it builds, and its outputs are met: {_told(compared.matches)}"
        if bad is not None and self.steady and compared.shaken < self.threshold:
            return Outcome(
                False, "its numbers are so unsteady that fp16 rounding of the inputs changes them", record=compared
            )
        return Outcome(bad is not None, says, () if bad is None else (bad.name,), replace(compared, made_up=made_up))

    def renamed(self, names: Mapping[str, str]) -> Predicate:
        """The same, with feeds by new names."""
        return NumbersDiffer(self.builds, self.source, self.threshold, steady=self.steady, names=names)

    def facts(self, outcome: Outcome) -> Mapping[str, object]:  # noqa: ARG002
        """The threshold."""
        return {"threshold": self.threshold}


def compare_numbers(model: Path, built: Built, feeds: Sequence[Feeds]) -> Compared | str:
    """What was simulated against what ONNX Runtime computes; or why that cannot be told."""
    shaken = [_shaken(case) for case in feeds]
    try:
        (answers,) = evaluate_apart([model], [*feeds, *shaken])
    except EvaluationError as error:
        return error.message
    expected = []
    for answer in answers:
        if isinstance(answer, EvaluationError):
            return answer.message
        expected.append(answer)
    exact, moved = expected[: len(feeds)], expected[len(feeds) :]
    matches = tuple(
        worst(compare(name, want[name], have[name]) for want, have in zip(exact, built.outputs, strict=True))
        for name in exact[0]
    )
    apart = (compare(name, want[name], have[name]) for want, have in zip(exact, moved, strict=True) for name in want)
    lowest = min((-1.0 if match.cosine is None else match.cosine for match in apart), default=1.0)
    return Compared(built, tuple(feeds), tuple(exact), matches, lowest)


def _shaken(case: Feeds) -> Feeds:
    """Floats changed by up to one rounding error of fp16, always in the same way."""
    source = np.random.default_rng(0)
    return {name: _rounded(array, source) if array.dtype.kind == "f" else array for name, array in case.items()}


def _rounded(array: npt.NDArray[Any], source: np.random.Generator) -> npt.NDArray[Any]:
    limits = np.finfo(array.dtype)
    moved = array.astype(np.float64) * (1 + source.uniform(-_HALF_STEP, _HALF_STEP, array.shape))
    return np.clip(moved, limits.min, limits.max).astype(array.dtype)


def _told(matches: Sequence[OutputMatch]) -> str:
    return ", ".join(
        f"{match.name} ({match.detail})" if match.cosine is None else f"{match.name} with cosine {match.cosine:.6f}"
        for match in matches
    )
