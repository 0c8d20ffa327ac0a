"""What was measured, in numbers, and where targets differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rkgraph.probe.campaign import Lines

__all__ = ["OUTCOMES", "Difference", "count_outcomes", "differences"]

OUTCOMES = ("npu", "cpu", "no-kernel", "build-fails")
"""Of a measured case, best first."""


@dataclass(frozen=True)
class Difference:
    """An operator that fares otherwise than on the base target.

    Attributes:
        op: its name, with its domain where that is not the standard one.
        base, here: outcomes.
        ids: of the cases that show it, in order; never empty.
    """

    op: str
    base: str
    here: str
    ids: tuple[str, ...]


def count_outcomes(lines: Lines) -> tuple[int, ...]:
    """How many cases had each of `OUTCOMES`."""
    counted = Counter(line["outcome"] for line in lines.values())
    return tuple(counted[outcome] for outcome in OUTCOMES)


def differences(lines: Lines, base: Lines) -> Sequence[Difference]:
    """What differs between cases that both have lines of, by operator and then by outcomes."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for name in sorted(lines.keys() & base.keys()):
        here, there = lines[name], base[name]
        if here["outcome"] != there["outcome"]:
            found.setdefault((here["op"], there["outcome"], here["outcome"]), []).append(name)
    return [Difference(*key, tuple(ids)) for key, ids in sorted(found.items())]
