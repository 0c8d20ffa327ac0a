"""Equivalence of two models by evaluation: same inputs, same outputs within an explicit tolerance.

What is compared is dtype, shape and every element. NaN equals NaN and an infinity equals itself; nothing else that is
not finite equals anything. At tolerance zero the sign of a zero counts, too. A case that the model before cannot
compute, or of which it makes nothing but NaN, says nothing and is left out; one that only the model after cannot
compute refutes.

A claim that allows for rounding is about inputs on which rounding does not decide the result. Where two scores of 65504
tie, or terms of 1e9 cancel, changing the inputs in the last place changes the result of the model before as much as the
rewrite does: a difference there says nothing of the rewrite, so that such a case is left out, too. What is left out is
counted; where it is more than what was compared, nothing is proved.

Of a case that differs, results that mean nothing may be set aside (`Undefined`); what is left of it must be equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np

from rkgraph.analysis.evaluator import Array, EvaluationError
from rkgraph.graph.rewrite import EXACT, Tolerance
from rkgraph.proof.feeds import Case
from rkgraph.records import Record

__all__ = ["Comparison", "Difference", "compare", "difference"]

ROUNDINGS = 3
"""How many times the inputs of a case that seems to refute are rounded otherwise."""

AS_MUCH = 4.0
"""A difference of up to so many times what these roundings make may be rounding, too: they are a small sample."""

Run = Callable[[Mapping[str, Array]], Mapping[str, Array]]
"""Feeds → outputs. Raises EvaluationError."""

Undefined = Callable[[Case, Mapping[str, Array]], Mapping[str, Array]]
"""A case and its outputs → bool arrays by output: which of them mean nothing. Raises EvaluationError."""


class Difference(Record):
    """Where two graphs differ: the case, and what differs in which output."""

    case: Case
    message: str


class Comparison(Record):
    """What came of all cases, up to the first difference.

    Attributes:
        cases: how many were compared.
        largest_error: the largest |a − b| of their finite elements; None: no cases.
        difference: what refutes.
        left_out: how many say nothing.
        why: the first of these, and why it says nothing.
        undefined: how many results of these cases mean nothing and were set aside, and why; "" if there are none.
    """

    cases: int
    largest_error: float | None
    difference: Difference | None
    left_out: int = 0
    why: str = ""
    undefined: str = ""

    @property
    def is_enough(self) -> bool:
        """Whether it proves something: some cases were compared, and not fewer than were left out."""
        return self.cases > 0 and self.cases >= self.left_out

    @property
    def reservation(self) -> str:
        """What has to be said of the cases, and of parts of them, that were left out; "" if there are none."""
        whole = f"{self.left_out} of {self.cases + self.left_out} cases left out; {self.why}" if self.left_out else ""
        return "; ".join(filter(None, (whole, self.undefined)))


def compare(  # both sides, what they are run on, and what has to be equal
    before: Run,
    after: Run,
    cases: Iterable[Case],
    names: Mapping[str, str],
    tolerance: Tolerance,
    *,
    can_rerun: bool = True,
    undefined: tuple[Undefined, str] | None = None,
) -> Comparison:
    """Run both on all `cases` until one differs.

    Args:
        before: the side that is right.
        after: the side that is to equal it.
        cases: the inputs.
        names: output of `before` → output of `after` that must equal it.
        tolerance: how far they may lie apart.
        can_rerun: `before` can be run on other inputs than those of `cases`, to see whether rounding decides there.
        undefined: which results of `before` mean nothing, asked where a case differs, and what is said of them.
    """
    if not names:
        return Comparison(0, None, None)
    computed, largest, left_out, aside, size = 0, None, list[str](), 0, 0
    may_round = can_rerun and tolerance != EXACT

    def so_far(found: Difference | None) -> Comparison:
        apart = f"{aside} of {size} results {undefined[1]}" if undefined is not None and aside else ""
        return Comparison(computed, largest, found, len(left_out), next(iter(left_out), ""), apart)

    for case in cases:
        try:
            expected = before(case.feeds)
        except EvaluationError as error:
            left_out.append(f"{case.label}: {error.message}")
            continue
        try:
            found = after(case.feeds)
        except EvaluationError as error:
            computed += 1
            return so_far(Difference(case, error.message))
        renamed: Mapping[str, Array] = {old: found[new] for old, new in names.items()}
        error_size, message = _all_differences(expected, renamed, tolerance)
        if message and may_round and _rounding_decides(before, case, expected, renamed, tolerance):
            left_out.append(f"{case.label}: rounding decides the result")
            continue
        if message and undefined is not None:
            expected, renamed, number = _defined(undefined[0], case, expected, renamed)
            error_size, message = _all_differences(expected, renamed, tolerance)
            if number and not any(array.size for array in renamed.values()):
                left_out.append(f"{case.label}: all results {undefined[1]}")
                continue
            aside, size = aside + number, size + number
        if not message and all(_is_void(expected[name]) for name in names):
            left_out.append(f"{case.label}: every result is NaN")
            continue
        computed += 1
        size += sum(array.size for array in renamed.values())
        largest = error_size if largest is None else max(largest, error_size)
        if message:
            return so_far(Difference(case, message))
    return so_far(None)


def _defined(
    undefined: Undefined, case: Case, expected: Mapping[str, Array], found: Mapping[str, Array]
) -> tuple[Mapping[str, Array], Mapping[str, Array], int]:
    """What of both means something, and how many elements do not; all of it where that cannot be computed.

    Outputs of which something is set aside are flat from then on.
    """
    try:
        aside = {name: mask for name, mask in undefined(case, expected).items() if name in found and mask.any()}
    except EvaluationError:
        return expected, found, 0
    fit = {name: mask for name, mask in aside.items() if found[name].shape == mask.shape}
    kept = {name: array[~fit[name]] if name in fit else array for name, array in expected.items()}
    compared = {name: array[~fit[name]] if name in fit else array for name, array in found.items()}
    return kept, compared, sum(int(mask.sum()) for mask in fit.values())


def _is_void(array: Array) -> bool:
    """Whether there is nothing but NaN in it; an empty array is all that there is to compare."""
    return array.size > 0 and np.issubdtype(array.dtype, np.floating) and bool(np.isnan(array).all())


def _all_differences(
    expected: Mapping[str, Array], found: Mapping[str, Array], tolerance: Tolerance
) -> tuple[float, str]:
    """The largest difference of all outputs in `found`, and the first that is beyond `tolerance`."""
    pairs = {name: difference(expected[name], array, tolerance) for name, array in found.items()}
    messages = (f"{name}: {message}" for name, (_, message) in pairs.items() if message)
    return max((size for size, _ in pairs.values()), default=0.0), next(messages, "")


def _rounding_decides(
    run: Run, case: Case, expected: Mapping[str, Array], found: Mapping[str, Array], tolerance: Tolerance
) -> bool:
    """Whether inputs that are rounded otherwise change what is expected about as much as `found` differs from it."""
    moved = dict.fromkeys(found, 0.0)
    for number in range(ROUNDINGS):
        random = np.random.default_rng(number)
        try:
            shaken = run({name: _shaken(array, random) for name, array in case.feeds.items()})
        except EvaluationError:
            return False
        for name, largest in moved.items():
            moved[name] = max(largest, difference(expected[name], shaken[name], tolerance)[0])
    wider = {name: replace(tolerance, absolute=tolerance.absolute + AS_MUCH * size) for name, size in moved.items()}
    return not any(difference(expected[name], found[name], wider[name])[1] for name in found)


def _shaken(array: Array, random: np.random.Generator) -> Array:
    """Every float a unit in the last place up or down, or as it is.

    Zeros and ones stay: masks are made of them, and no rounding yields another mask. A rewrite that is wrong just there
    must not find its excuse in that `x == 0` is false for the number next to zero.
    """
    if not np.issubdtype(array.dtype, np.floating):
        return array
    steps = np.where((array == 0) | (array == 1), 0, random.integers(-1, 2, array.shape))
    towards = np.where(steps > 0, np.inf, -np.inf).astype(array.dtype)
    with np.errstate(over="ignore"):
        return np.where(steps == 0, array, np.nextafter(array, towards))


def difference(expected: Array, found: Array, tolerance: Tolerance) -> tuple[float, str]:
    """The largest |found − expected| of finite elements, and what differs beyond `tolerance` ("" if nothing does)."""
    if expected.dtype != found.dtype:
        return 0.0, f"is {found.dtype}, was {expected.dtype}"
    if expected.shape != found.shape:
        return 0.0, f"has shape {found.shape}, had {expected.shape}"
    if expected.dtype == object and any(isinstance(one, np.ndarray) for one in expected.flat):
        return _sequence_difference(expected, found, tolerance)
    if not np.issubdtype(expected.dtype, np.number):
        same = expected == found
        return float(not same.all()), "" if same.all() else _worst(expected, found, ~same)
    if np.issubdtype(expected.dtype, np.integer):
        return _whole_difference(expected, found, tolerance)
    return _float_difference(expected, found, tolerance)


def _has_the_bits(expected: Array, found: Array) -> bool:
    """Whether two arrays of floats are equal bit for bit, as most are: that is known without arithmetic."""
    if expected.dtype.kind != "f" or expected.dtype.itemsize > np.dtype(np.uint64).itemsize:
        return False
    bits = f"u{expected.dtype.itemsize}"
    return np.array_equal(expected.view(bits), found.view(bits))


def _sequence_difference(expected: Array, found: Array, tolerance: Tolerance) -> tuple[float, str]:
    """As `difference`, of sequences: arrays of objects that are arrays."""
    pairs = [difference(np.asarray(a), np.asarray(b), tolerance) for a, b in zip(expected, found, strict=True)]
    messages = (f"element {index} {message}" for index, (_, message) in enumerate(pairs) if message)
    return max((size for size, _ in pairs), default=0.0), next(messages, "")


def _whole_difference(expected: Array, found: Array, tolerance: Tolerance) -> tuple[float, str]:
    """As `difference`, of whole numbers; `norm` is the share of them that may be off."""
    unequal = expected != found
    if not unequal.any():
        return 0.0, ""
    gap = np.abs(expected.astype(object) - found.astype(object))
    bad = unequal & (gap > tolerance.absolute)
    few = np.count_nonzero(bad) <= tolerance.norm * bad.size
    return float(gap.max(initial=0)), "" if few else _worst(expected, found, bad)


def _float_difference(expected: Array, found: Array, tolerance: Tolerance) -> tuple[float, str]:
    if _has_the_bits(expected, found):
        return 0.0, ""
    expected, found = expected.astype(np.float64), found.astype(np.float64)
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
    if tolerance.norm and finite.all() and _norm(gap) <= tolerance.norm * _norm(expected):
        return largest, ""
    return largest, _worst(expected, found, bad) if bad.any() else ""


def _norm(array: Array) -> float:
    """The root of the sum of squares; scaled first, so that no square is beyond float64."""
    scale = float(np.max(np.abs(array), initial=0.0))
    return scale * float(np.sqrt(np.sum(np.square(array / scale)))) if scale > 0 else 0.0


def _worst(expected: Array, found: Array, bad: Array) -> str:
    place = tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), bad.shape))
    return (
        f"{int(np.count_nonzero(bad))} of {bad.size} elements differ, first at {list(place)}: "
        f"{found[place]!s} instead of {expected[place]!s}"
    )
