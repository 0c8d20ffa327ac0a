"""Which candidates go to the board: one of each leaf, spread over reasons and operators."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rkgraph.boardcheck.candidates import REASONS, Candidate, position_rank

__all__ = ["DEFAULT_LIMIT", "choose"]

DEFAULT_LIMIT = 200
"""Models of one check: some minutes of a board's time."""


def choose(candidates: Iterable[Candidate], limit: int = DEFAULT_LIMIT) -> list[Candidate]:
    """One candidate of each leaf, at most `limit`; the same candidates give the same choice.

    Of a leaf it is the one with the least around it and the shortest text. What is cut off are the second, third …
    leaves of operators that have many: every operator of every reason comes in first.
    """
    best: dict[tuple[str, ...], Candidate] = {}
    for each in sorted(candidates, key=_simplest):
        best.setdefault((each.reason, *each.leaf), each)
    ranked = sorted(_ranked(list(best.values())), key=lambda pair: (pair[0], *_by_reason(pair[1])))
    return sorted((each for _, each in ranked[:limit]), key=_by_reason)


def _simplest(candidate: Candidate) -> tuple[int, int, str]:
    return position_rank(candidate.case), len(candidate.case.text), candidate.case.id


def _by_reason(candidate: Candidate) -> tuple[int, str, str]:
    return list(REASONS).index(candidate.reason), candidate.case.op, candidate.case.id


def _ranked(chosen: Sequence[Candidate]) -> Iterable[tuple[int, Candidate]]:
    """Each with the number of leaves that its operator already has for that reason."""
    seen: dict[tuple[str, str], int] = {}
    for each in sorted(chosen, key=_simplest):
        key = (each.reason, each.case.op)
        yield seen.get(key, 0), each
        seen[key] = seen.get(key, 0) + 1
