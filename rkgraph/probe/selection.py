"""Chooses the cases of a target other than the base: few, where differences show.

What the base target made of each case is known. Cases of one operator that fared alike there, for the same reason,
form a leaf; one model of each leaf is built first. Where another target does something else, more cases of that
operator follow, in rounds, until a round shows nothing that is new, and no leaf that comes out in several ways.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any
from zlib import crc32

from rkgraph.probe.case import Case

__all__ = ["BUDGET", "Known", "known_cases", "select"]

BUDGET = 1500
"""Cases of one target."""

_FIRST_SHARE = 0.6
"""Of the budget, for the first round: one case of every leaf, then of every stratum."""

_ROUND = 16
"""Cases of an operator in one later round."""

_DECLARED = re.compile(r"\b([a-z]+\d*)(\[[\d,]*\])? ([xwc]\w*)")
_NUMBERS = re.compile(r"0x[0-9a-f]+|\d+")


@dataclass(frozen=True)
class Known:
    """A case and what the base target made of it.

    Attributes:
        case: the model.
        outcome: on the base target.
        leaf: operator, outcome and the reason for it: layers, lost operators or the kind of error.
        stratum: opset, position, and the dtypes and ranks of what the model declares.
    """

    case: Case
    outcome: str
    leaf: tuple[str, ...]
    stratum: tuple[str, ...]


def known_cases(cases: Iterable[Case], base: Mapping[str, Mapping[str, Any]]) -> list[Known]:
    """The cases that `base` has lines of evidence of (by id), in order of id."""
    found = [(case, base[case.id]) for case in cases if case.id in base]
    known = [Known(case, line["outcome"], _leaf(case, line), _stratum(case)) for case, line in found]
    return sorted(known, key=lambda k: k.case.id)


def select(known: Sequence[Known], budget: int = BUDGET) -> Generator[list[Case], Mapping[str, str], None]:
    """Rounds of cases to build; each is answered (`send`) by the outcomes on the target, by id, of all rounds so far.

    The same answers give the same rounds. No case comes twice, and no more than `budget` come in all.
    """
    choosers = {op: _Chooser(of_op) for op, of_op in sorted(_by_op(known).items())}
    chosen = _interleaved(chooser.first() for chooser in choosers.values())[: max(1, int(budget * _FIRST_SHARE))]
    left = budget - len(chosen)
    seen: set[_Kind] = set()
    while chosen:
        outcomes = yield [each.case for each in chosen]
        for each in chosen:
            choosers[each.case.op].take(each)
        kinds = {(each.leaf, outcomes.get(each.case.id, each.outcome)) for each in chosen}
        for each in chosen:
            if outcomes.get(each.case.id, each.outcome) != each.outcome:
                choosers[each.case.op].prefer(each.leaf)
        ops = sorted(_unsettled(kinds, seen))
        seen |= kinds
        chosen = _interleaved(choosers[op].more(_ROUND) for op in ops)[:left]
        left -= len(chosen)


_Kind = tuple[tuple[str, ...], str]
"""A leaf, and an outcome on the target of cases that are in it."""


def _unsettled(kinds: set[_Kind], seen: set[_Kind]) -> set[str]:
    """The operators of leaves that came out otherwise than on the base for the first time, or in several ways."""
    ways = Counter(leaf for leaf, _ in kinds)
    return {
        leaf[0] for leaf, outcome in kinds if ways[leaf] > 1 or (outcome != leaf[1] and (leaf, outcome) not in seen)
    }


class _Chooser:
    """The cases of one operator, those first that are least like what was taken."""

    def __init__(self, known: Sequence[Known]) -> None:
        self._left = {k.case.id: k for k in known}
        self._leaves: Counter[tuple[str, ...]] = Counter()
        self._strata: Counter[tuple[str, ...]] = Counter()
        self._pairs: Counter[tuple[tuple[str, ...], tuple[str, ...]]] = Counter()
        self._preferred: set[tuple[str, ...]] = set()

    def take(self, known: Known) -> None:
        """This one was built."""
        self._left.pop(known.case.id, None)
        self._leaves[known.leaf] += 1
        self._strata[known.stratum] += 1
        self._pairs[known.leaf, known.stratum] += 1

    def prefer(self, leaf: tuple[str, ...]) -> None:
        """Here the target differed: look for where that begins and ends."""
        self._preferred.add(leaf)

    def first(self) -> list[Known]:
        """One case of each leaf, in strata that differ; then one of each stratum that is left."""
        trial = _Chooser(tuple(self._left.values()))
        found: list[Known] = []
        while fresh := [k for k in trial._left.values() if not trial._leaves[k.leaf] or not trial._strata[k.stratum]]:
            best = min(fresh, key=lambda k: (trial._leaves[k.leaf], trial._strata[k.stratum], k.case.id))
            trial.take(best)
            found.append(best)
        return found

    def more(self, count: int) -> list[Known]:
        """Some more cases, half of them where the target differed."""
        trial = _Chooser(tuple(self._left.values()))
        trial._leaves.update(self._leaves)
        trial._strata.update(self._strata)
        trial._pairs.update(self._pairs)
        found: list[Known] = []
        for number in range(min(count, len(trial._left))):
            pool = [k for k in trial._left.values() if number % 2 or k.leaf in self._preferred]
            best = min(pool or trial._left.values(), key=trial._likeness)
            trial.take(best)
            found.append(best)
        return found

    def _likeness(self, known: Known) -> tuple[int, int, int, int, str]:
        """The lower, the less it is like what was taken; among equals by chance, for neighbours in id are alike."""
        return (
            self._pairs[known.leaf, known.stratum],
            self._strata[known.stratum],
            self._leaves[known.leaf],
            crc32(known.case.id.encode()),
            known.case.id,
        )


def _by_op(known: Iterable[Known]) -> dict[str, list[Known]]:
    found: dict[str, list[Known]] = {}
    for each in known:
        found.setdefault(each.case.op, []).append(each)
    return found


def _interleaved(lists: Iterable[list[Known]]) -> list[Known]:
    """The first of each list, the second of each, and so on: what is cut off is the end of the longest."""
    return [each for row in zip_longest(*lists) for each in row if each is not None]


def _leaf(case: Case, line: Mapping[str, Any]) -> tuple[str, ...]:
    error = _NUMBERS.sub("#", str(line.get("error", "")))
    layers = line.get("layers") or line.get("around") or ()
    return (case.op, str(line["outcome"]), error, " ".join(layers), " ".join(line.get("lost", ())))


def _stratum(case: Case) -> tuple[str, ...]:
    opset = re.search(r'"" : (\d+)', case.text)
    position = "pattern" if case.is_pattern else case.id.rpartition(",")[2]
    header = case.text.partition(" { ")[0]
    declared = {
        f"{name[0]} {dtype} {_rank(shape)}" for dtype, shape, name in _DECLARED.findall(header) if name != "w_k"
    }
    return (opset.group(1) if opset else "", position, *sorted(declared))


def _rank(shape: str) -> int:
    return shape.count(",") + 1 if shape.strip("[]") else 0
