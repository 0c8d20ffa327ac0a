"""What may be the reason of an outcome: every limit kind at every place of an operator, its values still open.

Cases are numbered, and a set of cases is an integer whose bit i stands for case i: unions and sizes cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any

from rkgraph.induction.places import templates
from rkgraph.induction.sample import Sample
from rkgraph.tables.limits import LimitKind, Scalar

__all__ = ["Atom", "Feature", "features_of"]

_FLAGS = ("constant", "present", "same", "matches", "blank", "uniform", "multiple", "even", "square")
"""Fields that make a limit of its kind the one or the other."""

_MOST_VALUES = 3000


@dataclass(frozen=True)
class Atom:
    """A fact that holds of some cases: `kind` as a condition; `cases` is the set where it holds."""

    kind: LimitKind
    cases: int
    cost: float
    feature: int


@dataclass(frozen=True)
class Feature:
    """One thing to look at: `values` maps what was observed to the set of cases that show it (maybe among others).

    Of what is ordered, `flips` are the values above which the outcome may be another: bounds elsewhere say nothing.
    """

    number: int
    template: LimitKind
    values: dict[Scalar, int]
    cost: float
    flips: frozenset[Scalar] = frozenset()

    @property
    def ordered(self) -> bool:
        """A limit on it is a bound."""
        return hasattr(self.template, "high")

    @property
    def is_flag(self) -> bool:
        """A limit on it says yes or no."""
        return not self.ordered and not hasattr(self.template, "allowed")

    @property
    def seen(self) -> int:
        """The set of cases where anything was observed."""
        return _union(self.values.values())

    def atoms(self) -> Iterator[Atom]:
        """Single values for what has a choice; bounds between neighbouring values for what is ordered."""
        if len(self.values) < 2 and not self._sometimes:
            return
        if self.ordered:
            yield from self._bounds()
            return
        for value in self.values:
            others = _union(cases for other, cases in self.values.items() if other != value)
            only = self.values[value] & ~others
            if only:
                yield Atom(self.with_values(allowed=(value,)), only, self.cost, self.number)

    def _bounds(self) -> Iterator[Atom]:
        order = sorted(self.values, key=float)
        for low, high in pairwise(order):
            if low not in self.flips:
                continue
            above = _union(self.values[v] for v in order if float(v) > float(low))
            below = self.seen & ~above
            upper = _union(self.values[v] for v in order if float(v) < float(high))
            if below:
                yield Atom(self.bounded(high=low), below, self.cost, self.number)
            if self.seen & ~upper:
                yield Atom(self.bounded(low=high), self.seen & ~upper, self.cost, self.number)

    @property
    def _sometimes(self) -> bool:
        return not self.ordered

    def with_values(self, allowed: Sequence[Scalar] = (), refused: Sequence[Scalar] = ()) -> LimitKind:
        """The template as a choice. For flags (constant, presence …) the single allowed value says which way."""
        names = {field.name for field in fields(self.template)}
        if "allowed" in names:
            given: dict[str, Any] = {"allowed": tuple(allowed), "refused": tuple(refused)}
            return replace(self.template, **given)
        flag = next(name for name in _FLAGS if name in names)
        for way in (True, False):
            limit = replace(self.template, **{flag: way})
            if all(limit.accepts(v) for v in allowed) and not any(limit.accepts(v) for v in refused):
                return limit
        raise ValueError(f"{self.template.kind}: no flag accepts {allowed} and refuses {refused}")

    def bounded(self, low: Scalar | None = None, high: Scalar | None = None) -> LimitKind:
        """The template as a bound."""
        bounds: dict[str, Any] = {"low": low, "high": high}
        return replace(self.template, **bounds)


def features_of(samples: Sequence[Sample]) -> list[Feature]:
    """All features of the samples of one operator that vary or are there in some cases only."""
    found: list[Feature] = []
    everything = (1 << len(samples)) - 1
    for template, cost in templates(samples):
        values: dict[Scalar, int] = {}
        for number, sample in enumerate(samples):
            for value in sample.place.observe(template):
                values[value] = values.get(value, 0) | 1 << number
        if not values or len(values) > _MOST_VALUES:
            continue
        if len(values) == 1 and _union(values.values()) == everything:
            continue
        found.append(Feature(len(found), template, values, cost, _flips(values, samples)))
    return found


def _flips(values: Mapping[Scalar, int], samples: Sequence[Sample]) -> frozenset[Scalar]:
    """The numbers for which they or the next larger one do not have one and the same outcome throughout."""
    if not all(isinstance(value, (int, float)) for value in values):
        return frozenset()
    order = sorted(values, key=float)
    with_outcome: dict[str, int] = {}
    for number, sample in enumerate(samples):
        with_outcome[sample.outcome] = with_outcome.get(sample.outcome, 0) | 1 << number
    seen = {value: frozenset(o for o, cases in with_outcome.items() if cases & values[value]) for value in order}
    return frozenset(low for low, high in pairwise(order) if len(seen[low] | seen[high]) > 1)


def _union(sets: Any) -> int:
    result = 0
    for each in sets:
        result |= each
    return result
