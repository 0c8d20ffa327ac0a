"""Which of the fixes that are offered are made: what a plan or a search decides one by one, by fingerprint.

A fingerprint of lint numbers findings that look alike by their order, so that it shifts when one of them is gone.
Within a run of the fix loop a finding keeps the one that it first had, by its place: names of values are steady there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import TypeVar

from rkgraph.engine.identity import Numbers
from rkgraph.engine.lint import Found
from rkgraph.records import Record
from rkgraph.results import AppliedFix, RefusedFix

__all__ = ["ASK_THE_COMPILER", "Choices", "Fingerprints"]

ASK_THE_COMPILER = "whether it pays, only the compiler can tell"
"""Why a candidate is not made by itself."""

_Fix = TypeVar("_Fix", AppliedFix, RefusedFix)
_Place = tuple[str, str, tuple[str, ...], str | None, str, int]


class Choices(Record):
    """What somebody decided of single fixes, and of kinds of them.

    Attributes:
        declined: fingerprint → why the fix is not made.
        approved: fingerprints of fixes that are allowed, whatever their class.
        candidates: codes of rules whose fixes may or may not pay, and are made all the same.
        without: codes of cuts that are left out where the model can be deployed without them.
    """

    declined: Mapping[str, str] = field(default_factory=dict)
    approved: frozenset[str] = frozenset()
    candidates: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()

    @property
    def named(self) -> frozenset[str]:
        """The fingerprints that something is said of."""
        return frozenset(self.declined) | self.approved

    def refusal(self, found: Found, own: str) -> RefusedFix | None:
        """Why the fix of a finding with the fingerprint `own` is not made; None where nothing is said against it."""
        if found.rule.fix is None or found.diagnostic.fix is None:
            return None
        code, at = found.rule.code, found.diagnostic.at
        if own in self.declined:
            return RefusedFix(code, at, self.declined[own], fingerprint=own)
        if found.rule.card.candidate and code not in self.candidates and own not in self.approved:
            return RefusedFix(code, at, ASK_THE_COMPILER, "--tune", fingerprint=own)
        return None


class Fingerprints:
    """The fingerprints of one run: `own` of a finding, whatever lint calls it at the moment."""

    def __init__(self) -> None:
        self._by_place: dict[_Place, str] = {}
        self._numbers = Numbers()
        self._now: dict[str, str] = {}

    @property
    def seen(self) -> frozenset[str]:
        """All that were given so far."""
        return frozenset(self._by_place.values())

    def see(self, found: Sequence[Found]) -> None:
        """Take note of what lint found last."""
        alike: Counter[tuple[object, ...]] = Counter()
        self._now = {}
        for one in found:
            node = one.finding.node
            outputs = node.outputs if node is not None else ()
            where = (one.rule.code, one.finding.graph, outputs, one.finding.value, one.finding.key)
            alike[where] += 1
            place = (*where, alike[where])
            if place not in self._by_place:
                self._by_place[place] = self._numbers.unique(one.diagnostic.fingerprint)
            self._now[one.diagnostic.fingerprint] = self._by_place[place]

    def own(self, fingerprint: str) -> str:
        """The fingerprint, in this run, of what lint called so when it looked last."""
        return self._now.get(fingerprint, fingerprint)

    def now(self, wanted: frozenset[str]) -> frozenset[str]:
        """What lint calls those of `wanted` that it found when it looked last."""
        return frozenset(name for name, own in self._now.items() if own in wanted)

    def named(self, fix: _Fix) -> _Fix:
        """The record with the fingerprint of this run."""
        return fix if fix.fingerprint is None else replace(fix, fingerprint=self.own(fix.fingerprint))
