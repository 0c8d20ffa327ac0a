"""How much a model's outputs suffer when one value is rounded to 8 bits: measured in ONNX Runtime, without the toolkit.

Each value is rounded alone while all others stay float, over the range that it takes on the samples. That ranks values
by the harm that int8 does to them; what several do together only the toolkit's simulator tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rkgraph.analysis.evaluator import Array, Evaluator
from rkgraph.analysis.similarity import cosine
from rkgraph.graph.instrument import ROUNDED, exposed, rounded_on_demand

if TYPE_CHECKING:
    import onnx

__all__ = ["Harm", "counted", "harms", "likeness", "observed_ranges"]

Tell = Callable[[str], None]
Feeds = Mapping[str, Array]


@dataclass(frozen=True)
class Harm:
    """What rounding one value to 8 bits does.

    Attributes:
        value: its name.
        low, high: the range that it takes on the samples.
        loss: 1 − cosine between the model's outputs with and without, mean over samples, the worst output counts.
    """

    value: str
    low: float
    high: float
    loss: float


def observed_ranges(
    model: onnx.ModelProto, names: Iterable[str], samples: Sequence[Feeds]
) -> dict[str, tuple[float, float]]:
    """Value → lowest and highest finite number that it takes on the samples; values that are no floats are left out.

    Raises:
        EvaluationError: ONNX Runtime cannot run the model on the samples.
    """
    wanted = list(dict.fromkeys(names))
    evaluator = Evaluator(exposed(model, wanted))
    ranges: dict[str, tuple[float, float]] = {}
    for feeds in samples:
        for name, array in evaluator.run(feeds, wanted).items():
            finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array[:0]
            if finite.size:
                low, high = ranges.get(name, (np.inf, -np.inf))
                ranges[name] = (min(low, float(finite.min())), max(high, float(finite.max())))
    return ranges


def harms(
    model: onnx.ModelProto,
    ranges: Mapping[str, tuple[float, float]],
    samples: Sequence[Feeds],
    tell: Tell = lambda _text: None,
) -> tuple[Harm, ...]:
    """The harm of rounding each value of `ranges` (float32, made by nodes of the main graph), the greatest first.

    Raises:
        EvaluationError: ONNX Runtime cannot run the model on the samples.
    """
    evaluator = Evaluator(rounded_on_demand(model, ranges))
    outputs = [value.name for value in model.graph.output]
    off = {f"{ROUNDED}{name}": np.asarray(False) for name in ranges}
    expected = [evaluator.run({**feeds, **off}, outputs) for feeds in samples]
    found = []
    for number, (name, (low, high)) in enumerate(ranges.items()):
        tell(f"round value {number + 1} of {len(ranges)} to 8 bits")
        on = {**off, f"{ROUNDED}{name}": np.asarray(True)}
        actual = [evaluator.run({**feeds, **on}, outputs) for feeds in samples]
        losses = (
            1
            - np.mean(
                [
                    likeness(counted(feeds, want[output]), counted(feeds, have[output]))
                    for feeds, want, have in zip(samples, expected, actual, strict=True)
                ]
            )
            for output in outputs
        )
        found.append(Harm(name, low, high, float(max(losses, default=0.0))))
    return tuple(sorted(found, key=lambda harm: -harm.loss))


def counted(feeds: Feeds, output: Array) -> Array:
    """What counts of an output: its rows for which an attention mask among the inputs is 1, or else all of it.

    What a transformer makes of padding is read by nobody, is most of its output where sentences are short, and would
    decide otherwise which values int8 harms most. A mask is an input with "mask" in its name that holds 0 and 1 only,
    and whose shape is that of the first axes of the output.
    """
    for name, mask in feeds.items():
        fits = mask.ndim > 1 and output.ndim > mask.ndim and output.shape[: mask.ndim] == mask.shape
        if "mask" in name.lower() and fits and mask.any() and np.isin(mask, (0, 1)).all():
            rows: Array = output[mask.astype(bool)]
            return rows
    return output


def likeness(expected: Array, actual: Array) -> float:
    """Cosine between two arrays; 0 where a shape differs or a number is not finite."""
    if expected.shape != actual.shape or not (np.isfinite(expected).all() and np.isfinite(actual).all()):
        return 0.0
    return cosine(expected, actual)
