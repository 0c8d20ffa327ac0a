"""Learns the entry of one operator: a default outcome, and the fewest limits that explain the cases that fare worse.

Rules are grown from a case that is not explained yet: facts that hold of it are added, best first, until no case that
fared better is left inside (sequential covering, as in AQ and RIPPER). One fact becomes the limit, its values widened
as far as nothing contradicts; the others become its conditions.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from rkgraph.induction.features import Atom, Feature, features_of
from rkgraph.induction.sample import Sample
from rkgraph.tables.entry import Outcome
from rkgraph.tables.limits import LimitKind, Scalar

__all__ = ["Fitted", "Rule", "fit"]

_ORDER: tuple[Outcome, ...] = get_args(Outcome)
_SEEDS = 10
_BEAM = 6
_DEPTH = 3
_LEAST = {1: 1, 2: 2, 3: 3}
"""How many cases a rule must newly explain, by the number of its facts: one alone is no ground for much."""

_CONDITION_COST = 0.7
_TOLERATED = 0.04
"""Share of cases inside an impure rule that may contradict it; each counts against four that it explains."""

_FEW = 8
"""Elements of a constant that are worth a list."""

_TELLING = ("dtype", "constant", "attribute-in", "attribute-matches", "blank-output")
"""Kinds that a single case may speak for: a choice that is made once has no second case."""

_SIZE_KINDS = ("dimension", "product", "elements", "axis-size")
_LOWEST, _LARGE = 2.0, 1000.0
"""Bounds between these are sizes that cases happen to have."""


@dataclass(frozen=True)
class Rule:
    """`check` must hold wherever all of `when` do, else `outcome`; `outside` is the set of cases that violate it."""

    check: LimitKind
    when: tuple[LimitKind, ...]
    outcome: Outcome
    outside: int


@dataclass(frozen=True)
class Fitted:
    """What was learned of an operator; `unexplained` are indices of cases that it predicts wrongly."""

    default: Outcome
    rules: tuple[Rule, ...]
    unexplained: tuple[int, ...]


def fit(samples: Sequence[Sample]) -> Fitted:
    """Learn from all cases of one operator. Deterministic in their order."""
    learner = _Learner(samples)
    present = [o for o in _ORDER if learner.with_outcome[o]]
    tries = [learner.learn(default) for default in present[:2]] if len(present) > 1 else [learner.learn(present[0])]
    return min(tries, key=lambda f: (len(f.unexplained), len(f.rules), _ORDER.index(f.default)))


@dataclass(frozen=True, eq=False)
class _Grown:
    """A conjunction on the way: how many cases inside it explains, and how many contradict."""

    facts: tuple[Atom, ...]
    cases: int
    hits: int
    harms: int
    prior: float

    @property
    def precision(self) -> float:
        """Share of the cases that count which it explains."""
        return self.hits / (self.hits + self.harms)

    @property
    def gain(self) -> float:
        """FOIL's gain: what the conjunction tells of each case that it explains, over all of them."""
        return self.hits * math.log2(self.precision / self.prior) if self.hits else -math.inf

    @property
    def cost(self) -> float:
        """Of all its facts."""
        return sum(fact.cost for fact in self.facts)


class _Learner:
    """The cases of one operator as sets, and the search for rules."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.samples = samples
        self.everything = (1 << len(samples)) - 1
        self.with_outcome = {o: sum(1 << i for i, s in enumerate(samples) if s.outcome == o) for o in _ORDER}
        self.features = features_of(samples) if len({s.outcome for s in samples}) > 1 else []
        self.atoms = _cheapest(atom for feature in self.features for atom in feature.atoms())

    def learn(self, default: Outcome) -> Fitted:
        """Add rules until nothing is left to explain, or nothing explains it."""
        predicted = {o: self.everything if o == default else 0 for o in _ORDER}
        rules: list[Rule] = []
        for tolerance in (0.0, _TOLERATED):
            while (rule := self._best(predicted, tolerance)) is not None:
                rules.append(self._narrowed(rule))
                self._apply(rule, predicted)
        wrong = sum(predicted[o] & ~self.with_outcome[o] for o in _ORDER)
        return Fitted(default, tuple(rules), tuple(_members(wrong)))

    def _narrowed(self, rule: Rule) -> Rule:
        """The rule for the one element type that its cases have, where others were measured: they may fare better.

        Not for floats, of which the others are kinds: the toolkit makes them float32 (`facts:float-types`).
        """
        dtypes = next((f for f in self.features if f.template.kind == "dtype" and f.template.index == 0), None)  # type: ignore[attr-defined]
        if dtypes is None or any(k.kind == "dtype" for k in (rule.check, *rule.when)):
            return rule
        shown = [value for value, cases in dtypes.values.items() if cases & rule.outside]
        if len(shown) != 1 or "float" in str(shown[0]) or rule.outside & ~dtypes.seen:
            return rule
        return replace(rule, when=(dtypes.with_values(allowed=(shown[0],)), *rule.when))

    def _apply(self, rule: Rule, predicted: dict[Outcome, int]) -> None:
        better = _ORDER[: _ORDER.index(rule.outcome)]
        for outcome in better:
            predicted[outcome] &= ~rule.outside
        worse = 0
        for outcome in _ORDER[_ORDER.index(rule.outcome) + 1 :]:
            worse |= predicted[outcome]
        predicted[rule.outcome] |= rule.outside & ~worse

    def _best(self, predicted: dict[Outcome, int], tolerance: float) -> Rule | None:
        best: tuple[float, Rule] | None = None
        for outcome in _ORDER:
            better = self._union(predicted, _ORDER[: _ORDER.index(outcome)])
            residue = self.with_outcome[outcome] & better
            if not residue:
                continue
            contradicting = self._union(self.with_outcome, _ORDER[: _ORDER.index(outcome)])
            for score, rule in self._rules(outcome, residue, contradicting, tolerance):
                if best is None or score > best[0]:
                    best = score, rule
        return best[1] if best else None

    @staticmethod
    def _union(sets: dict[Outcome, int], outcomes: Sequence[Outcome]) -> int:
        result = 0
        for outcome in outcomes:
            result |= sets[outcome]
        return result

    def _rules(
        self, outcome: Outcome, residue: int, contradicting: int, tolerance: float
    ) -> Iterator[tuple[float, Rule]]:
        members = list(_members(residue))
        for seed in members[:: max(1, math.ceil(len(members) / _SEEDS))]:
            mine = [atom for atom in self.atoms if atom.cases >> seed & 1 and _may_lead_to(atom, outcome)]
            for facts in self._grown(mine, residue, contradicting, tolerance):
                yield from self._formed(facts, outcome, residue, contradicting, tolerance)

    def _grown(
        self, atoms: list[Atom], residue: int, contradicting: int, tolerance: float
    ) -> Iterator[tuple[Atom, ...]]:
        """Conjunctions of facts inside which (almost) nothing contradicts."""
        beam: list[tuple[tuple[Atom, ...], int]] = [((), self.everything)]
        prior = residue.bit_count() / (residue.bit_count() + contradicting.bit_count())
        for _ in range(_DEPTH):
            grown: list[_Grown] = []
            for facts, inside in beam:
                used = {fact.feature for fact in facts}
                before = (inside & contradicting).bit_count()
                for atom in atoms:
                    cases = inside & atom.cases
                    hits, harms = (cases & residue).bit_count(), (cases & contradicting).bit_count()
                    if atom.feature not in used and harms < before:
                        grown.append(_Grown((*facts, atom), cases, hits, harms, prior))
            pure = [g for g in grown if g.harms <= tolerance * g.hits]
            yield from (g.facts for g in heapq.nlargest(3 * _BEAM, pure, key=lambda g: g.hits - g.cost))
            rest = [g for g in grown if g.harms > tolerance * g.hits]
            telling = heapq.nlargest(_BEAM, rest, key=lambda g: g.gain - g.cost)
            precise = heapq.nlargest(_BEAM, rest, key=lambda g: (g.precision, g.hits - g.cost))
            beam = [(g.facts, g.cases) for g in dict.fromkeys([*telling, *precise])]

    def _formed(
        self, facts: tuple[Atom, ...], outcome: Outcome, residue: int, contradicting: int, tolerance: float
    ) -> Iterator[tuple[float, Rule]]:
        """The rule with each fact in turn as its limit."""
        for position, fact in enumerate(facts):
            others = facts[:position] + facts[position + 1 :]
            scope = self.everything
            for other in others:
                scope &= other.cases
            widened = _widened(self.features[fact.feature], fact, scope, contradicting, tolerance)
            if widened is None:
                continue
            check, outside = widened
            gain = (outside & residue).bit_count()
            harm = (outside & contradicting).bit_count()
            if any(_is_size_of_data(kind) for kind in (check, *(other.kind for other in others))):
                continue
            small = sum(_is_small_size(kind) for kind in (check, *(other.kind for other in others)))
            least = _LEAST[len(facts)] + 4 * small
            if len(facts) == 1 and check.kind not in _TELLING:
                least += 1
            score = gain - 4 * harm - fact.cost - sum(_CONDITION_COST + o.cost for o in others) - 2.5 * small
            if gain >= least and score > 0 and harm <= tolerance * gain:
                yield score, Rule(check, tuple(o.kind for o in others), outcome, outside)


def _may_lead_to(fact: Atom, outcome: Outcome) -> bool:
    """The opset decides what can be read, not where it runs: by then the toolkit has one opset for all."""
    return outcome != "cpu" or fact.kind.kind != "opset"


def _cheapest(atoms: Iterable[Atom]) -> list[Atom]:
    """Of facts that hold of the same cases the likeliest reason only: nothing measured tells them apart."""
    found: dict[int, Atom] = {}
    for atom in atoms:
        known = found.setdefault(atom.cases, atom)
        if atom.cost < known.cost:
            found[atom.cases] = atom
    return list(found.values())


def _widened(
    feature: Feature, fact: Atom, scope: int, contradicting: int, tolerance: float
) -> tuple[LimitKind, int] | None:
    """The limit that refuses all values of a feature that are always bad within `scope`, and what violates it."""
    if feature.ordered:
        return _widened_bound(feature, fact, scope, contradicting, tolerance)
    allowance = tolerance * (fact.cases & scope).bit_count()
    bad: list[Scalar] = []
    good: list[Scalar] = []
    outside = 0
    for value, cases in feature.values.items():
        inside = cases & scope
        if not inside:
            continue
        if (inside & contradicting).bit_count() <= (allowance if fact.cases & inside else 0):
            bad.append(value)
            outside |= inside
        else:
            good.append(value)
    if not bad or not outside & fact.cases or (feature.is_flag and not good and len(bad) > 1):
        return None
    return feature.with_values(*_choice(feature, good, bad, everywhere=scope & feature.seen == feature.seen)), outside


def _choice(
    feature: Feature, good: list[Scalar], bad: list[Scalar], everywhere: bool
) -> tuple[tuple[Scalar, ...], tuple[Scalar, ...]]:
    """(allowed, refused): element types that are good, where the limit has no conditions; else what is bad.

    A refused value says nothing of values that were not seen; that only a few are allowed must rest on all of them.
    """
    allowed, refused = (tuple(sorted(values, key=str)) for values in (good, bad))
    if everywhere and feature.template.kind == "dtype" and good and len(good) <= 2 * len(bad):
        return allowed, ()
    if feature.template.kind == "constant-in" and 0 < len(good) <= _FEW < len(bad):
        return allowed, ()
    return (), refused


def _widened_bound(
    feature: Feature, fact: Atom, scope: int, contradicting: int, tolerance: float
) -> tuple[LimitKind, int] | None:
    """A bound, moved towards the good values as far as nothing contradicts."""
    upper = fact.kind.high is None  # type: ignore[attr-defined]  # the fact is "at least", so the limit is "at most"
    order = sorted((v for v, cases in feature.values.items() if cases & scope), key=float, reverse=upper)
    allowance = tolerance * (fact.cases & scope).bit_count()
    outside, last = 0, None
    for value in order:
        inside = feature.values[value] & scope
        if ((outside | inside) & contradicting).bit_count() > allowance:
            break
        outside |= inside
        last = value
    if last is None or not outside & fact.cases:
        return None
    rest = [v for v in order if (float(v) < float(last) if upper else float(v) > float(last))]
    if not rest:
        return None
    edge = rest[0]
    return (feature.bounded(high=edge) if upper else feature.bounded(low=edge)), outside


def _is_small_size(kind: LimitKind) -> bool:
    """A bound on a size that no hardware limit explains: more cases must speak for it. A size of 1 means something."""
    if kind.kind not in _SIZE_KINDS:
        return False
    low, high = getattr(kind, "low", None), getattr(kind, "high", None)
    if (low is None or low <= _LOWEST) and (high is None or high < _LOWEST):
        return False
    return not any(_is_field_width(float(bound)) for bound in (low, high) if bound is not None)


def _is_size_of_data(kind: LimitKind) -> bool:
    """A bound on a size of what flows through: cases have some sizes and not others, which is no reason."""
    if not _is_small_size(kind):
        return False
    return kind.kind == "axis-size" or getattr(kind, "index", 0) == 0 or getattr(kind, "side", "input") == "output"


def _is_field_width(bound: float) -> bool:
    """Whether a bound lies where registers and buffers end: at a large power of two, or one beside it."""
    return bound >= _LARGE and any(abs(bound - 2**bits) <= 1 for bits in range(10, 32))


def _members(cases: int) -> Iterator[int]:
    """The numbers of the cases of a set, in order."""
    while cases:
        lowest = cases & -cases
        yield lowest.bit_length() - 1
        cases ^= lowest
