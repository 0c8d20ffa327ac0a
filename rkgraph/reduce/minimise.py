"""The algorithm ddmin: a list of items made as short as it can be while a test still holds.

Andreas Zeller and Ralf Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 28(2), 2002.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TypeVar

__all__ = ["minimise", "shortest_prefix"]

T = TypeVar("T")


def minimise(items: Sequence[T], holds: Callable[[list[T]], bool]) -> list[T]:
    """A sub-list for which `holds`, from which no single item can be taken out (1-minimal).

    `holds` is taken to be true of all `items`, and is never asked about them. The empty list is tried first.
    """
    kept = list(items)
    if not kept or holds([]):
        return []
    parts = 2
    while len(kept) > 1:
        chunks = _chunks(kept, parts)
        found = next((chunk for chunk in chunks if holds(chunk)), None) if parts == 2 else None
        if found is not None:
            kept = found
            continue
        for index in reversed(range(len(chunks))):  # what comes last is most often what is not needed
            rest = [item for place, chunk in enumerate(chunks) if place != index for item in chunk]
            if holds(rest):
                kept, parts = rest, max(parts - 1, 2)
                break
        else:
            if parts >= len(kept):
                break
            parts = min(2 * parts, len(kept))
    return kept


def shortest_prefix(length: int, holds: Callable[[int], bool]) -> int:
    """The smallest n for which `holds(n)`, by bisection; right where what holds of n holds of all above.

    `holds(length)` is taken to be true, and is never asked.
    """
    low, high = 0, length
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle
    return high


def _chunks(items: list[T], count: int) -> list[list[T]]:
    """`items` in `count` parts of nearly equal size, none empty."""
    bounds = [len(items) * index // count for index in range(count + 1)]
    return [items[a:b] for a, b in itertools.pairwise(bounds) if a < b]
