"""What the values of a model hold on samples, observed in ONNX Runtime when a rule asks, and no sooner.

Without samples nothing is observed, and lint reads no weights. With them, what is asked for is computed by the part of
the model that leads to it, sample by sample; only the few numbers of `Observed` are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING

from rkgraph.errors import RkgraphError
from rkgraph.records import Record

if TYPE_CHECKING:
    from rkgraph.analysis.evaluator import Array
    from rkgraph.analysis.fp16_trouble import Trouble
    from rkgraph.graph.model import Model

__all__ = ["NOTHING_OBSERVED", "Observations", "Observed", "fitted", "observe"]

LARGEST = 2 << 30
"""Bytes of a model file that is run on samples; larger ones take more memory than they are worth here."""


class Observed(Record):
    """What one value holds on all samples.

    Attributes:
        low, high: the lowest and highest number, infinite ones too; NaN is left out.
        spread: the largest high − low within one row (along the last axis).
        whole: all are whole numbers.
        channels: the largest magnitude at each place of the last axis.
    """

    low: float
    high: float
    spread: float
    whole: bool
    channels: tuple[float, ...] = ()

    @property
    def largest(self) -> float:
        """The largest magnitude."""
        return max(abs(self.low), abs(self.high))

    def joined(self, other: Observed) -> Observed:
        """What both hold."""
        same = len(self.channels) == len(other.channels)
        channels = tuple(map(max, self.channels, other.channels)) if same else ()
        low, high = min(self.low, other.low), max(self.high, other.high)
        return Observed(low, high, max(self.spread, other.spread), self.whole and other.whole, channels)


class Observations(Record):
    """Samples, and what was observed on them.

    Attributes:
        model: runs; None observes nothing.
        samples: feeds by input name.
        kept: what was observed before, by name; values that rewrites leave as they are need not be computed again.
        troubles: what goes wrong in fp16, where that was looked for.
        looked: whether it was.
    """

    model: Model | None = None
    samples: Sequence[Mapping[str, Array]] = ()
    kept: MutableMapping[str, Observed | None] = field(default_factory=dict)
    troubles: tuple[Trouble, ...] = ()
    looked: bool = False

    def __bool__(self) -> bool:
        return self.model is not None and bool(self.samples)

    def of(self, names: Iterable[str]) -> Mapping[str, Observed]:
        """What the values `names` of the main graph hold; those that cannot be observed are left out."""
        wanted = list(dict.fromkeys(names))
        missing = [name for name in wanted if name not in self.kept] if self else []
        if self.model is not None and missing:
            try:
                found: Mapping[str, Observed] = observe(self.model, missing, self.samples)
            except (RkgraphError, ValueError):  # it does not run, or a value has no dtype: nothing is known, then
                found = {}
            self.kept.update({name: found.get(name) for name in missing})
        return {name: seen for name in wanted if (seen := self.kept.get(name)) is not None}

    def arrays(self, names: Sequence[str]) -> Iterator[tuple[Array, ...]]:
        """The values `names` of the main graph, sample by sample.

        Raises:
            EvaluationError: ONNX Runtime cannot run the model on the samples.
            ValueError: a value is not in the graph, or an input has no dtype.
        """
        if self.model is not None and self.samples:
            for results in _runs(self.model, names, self.samples):
                yield tuple(results[name] for name in names)

    def with_troubles(self, troubles: tuple[Trouble, ...]) -> Observations:
        """The same, with what goes wrong in fp16."""
        return replace(self, troubles=troubles, looked=True)


NOTHING_OBSERVED = Observations()


def observe(model: Model, names: Sequence[str], samples: Sequence[Mapping[str, Array]]) -> dict[str, Observed]:
    """What the values `names` hold on `samples`; values that are no numbers, or empty, are left out.

    Raises:
        EvaluationError: ONNX Runtime cannot run the model on the samples.
        ValueError: a value is not in the graph, or an input has no dtype.
    """
    found: dict[str, Observed] = {}
    for results in _runs(model, names, samples):
        for name, array in results.items():
            seen = _seen(array)
            if seen is not None:
                found[name] = found[name].joined(seen) if name in found else seen
    return found


def _runs(model: Model, names: Sequence[str], samples: Sequence[Mapping[str, Array]]) -> Iterator[dict[str, Array]]:
    """The values `names`, sample by sample, from the part of the model that leads to them."""
    from rkgraph.analysis.evaluator import Evaluator

    inputs = model.view().main.inputs
    evaluator = Evaluator(model.extract(inputs, list(names)))
    places = {name: f"{name}/through" if name in inputs else name for name in names}
    for sample in samples:
        results = evaluator.run(fitted(model, sample))
        yield {name: results[place] for name, place in places.items()}


def fitted(model: Model, sample: Mapping[str, Array]) -> dict[str, Array]:
    """A sample of the original model as the inputs of this one take it: their dtypes, and a vector for a scalar."""
    main = model.view().main
    feeds = {}
    for name in main.inputs:
        value = main.value(name)
        if name in sample:
            array = sample[name].astype(value.dtype) if value.dtype else sample[name]
            sizes = [size for size in value.shape or () if isinstance(size, int)]
            feeds[name] = array.reshape(sizes) if value.is_static and not array.shape else array
    return feeds


def _seen(array: Array) -> Observed | None:
    import numpy as np

    if array.dtype.kind not in "fiub" or not array.size:
        return None
    numbers = array.astype(np.float64)
    rows = numbers.reshape(-1, numbers.shape[-1] if numbers.ndim else 1)
    rows = rows[~np.isnan(rows).any(axis=1)]
    if not rows.size:
        return None
    low, high = rows.min(axis=1), rows.max(axis=1)
    with np.errstate(invalid="ignore"):  # ∞ − ∞
        spread = float(np.nan_to_num(high - low, nan=np.inf).max())
    whole = bool(np.isfinite(rows).all() and (rows == np.round(rows)).all())
    return Observed(float(low.min()), float(high.max()), spread, whole, tuple(np.abs(rows).max(axis=0).tolist()))
