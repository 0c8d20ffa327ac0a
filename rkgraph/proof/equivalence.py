"""Equivalence of two models by evaluation: same inputs, same outputs within an explicit tolerance.

What is compared is dtype, shape and every element. NaN equals NaN and an infinity equals itself; nothing else that is
not finite equals anything. At tolerance zero the sign of a zero counts, too. A case that the model before cannot
compute says nothing and is left out; one that only the model after cannot compute refutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from rkgraph.analysis.evaluator import Array, EvaluationError
from rkgraph.graph.rewrite import EXACT, Tolerance
from rkgraph.proof.feeds import Case

__all__ = ["Comparison", "Difference", "compare", "difference"]

Run = Callable[[Mapping[str, Array]], Mapping[str, Array]]
"""Feeds → outputs. Raises EvaluationError."""


@dataclass(frozen=True)
class Difference:
    """Where two graphs differ: the case, and what differs in which output."""

    case: Case
    message: str


@dataclass(frozen=True)
class Comparison:
    """`cases` were computed by both; `largest_error` is the largest |a − b| of finite elements; None: no cases."""

    cases: int
    largest_error: float | None
    difference: Difference | None
    not_computed: str = ""


def compare(
    before: Run, after: Run, cases: Iterable[Case], names: Mapping[str, str], tolerance: Tolerance
) -> Comparison:
    """Run both on all `cases` until one differs. `names`: output of `before` → output of `after` that must equal it."""
    computed, largest, trouble = 0, None, ""
    for case in cases:
        try:
            expected = before(case.feeds)
        except EvaluationError as error:
            trouble = trouble or f"{case.label}: {error.message}"
            continue
        computed += 1
        try:
            found = after(case.feeds)
        except EvaluationError as error:
            return Comparison(computed, largest, Difference(case, error.message))
        for old, new in names.items():
            error_size, message = difference(expected[old], found[new], tolerance)
            largest = error_size if largest is None else max(largest, error_size)
            if message:
                return Comparison(computed, largest, Difference(case, f"{old}: {message}"))
    return Comparison(computed, largest, None, trouble)


def difference(expected: Array, found: Array, tolerance: Tolerance) -> tuple[float, str]:
    """The largest |found − expected| of finite elements, and what differs beyond `tolerance` ("" if nothing does)."""
    if expected.dtype != found.dtype:
        return 0.0, f"is {found.dtype}, was {expected.dtype}"
    if expected.shape != found.shape:
        return 0.0, f"has shape {found.shape}, had {expected.shape}"
    if not np.issubdtype(expected.dtype, np.number):
        same = expected == found
        return float(not same.all()), "" if same.all() else _worst(expected, found, ~same)
    if np.issubdtype(expected.dtype, np.integer):
        unequal = expected != found
        gap = np.abs(expected.astype(object) - found.astype(object)) if unequal.any() else np.zeros(1)
        bad = unequal & (gap > tolerance.absolute) if unequal.any() else unequal
        return float(gap.max(initial=0)), _worst(expected, found, bad) if bad.any() else ""
    return _float_difference(expected.astype(np.float64), found.astype(np.float64), tolerance)


def _float_difference(expected: Array, found: Array, tolerance: Tolerance) -> tuple[float, str]:
    finite = np.isfinite(expected) & np.isfinite(found)
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.abs(found - expected)
        near = finite & (gap <= tolerance.absolute + tolerance.relative * np.abs(expected))
    same = (expected == found) | (np.isnan(expected) & np.isnan(found))
    if tolerance.beyond is not None:
        saturated = (np.sign(expected) == np.sign(found)) & (np.minimum(abs(expected), abs(found)) >= tolerance.beyond)
        same, finite = same | saturated, finite & ~saturated
    if tolerance == EXACT:
        same &= np.isnan(expected) | (np.signbit(expected) == np.signbit(found))
        near = same
    bad = ~(near | same)
    largest = float(gap[finite].max(initial=0.0))
    return largest, _worst(expected, found, bad) if bad.any() else ""


def _worst(expected: Array, found: Array, bad: Array) -> str:
    place = tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), bad.shape))
    return (
        f"{int(np.count_nonzero(bad))} of {bad.size} elements differ, first at {list(place)}: "
        f"{found[place]!s} instead of {expected[place]!s}"
    )
