"""A policy to begin with: what reports say today is what is allowed tomorrow."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rkgraph.engine.plan_text import toml_table
from rkgraph.gate.measures import MEASURES, VERDICTS, Kind, Measure
from rkgraph.gate.subjects import Subject

__all__ = ["starting_policy"]

_EVERYWHERE = ("verdict", "no-kernel", "unknown-share", "proofs-refuted")
_EACH = ("cpu-nodes", "crossings", "cycles", "traffic", "internal", "weights", "cosine")


def starting_policy(found: Sequence[Subject]) -> str:
    """The text of a policy that the reports pass, just so.

    What should hold of every model stands under [budget], at the worst of today; what is a model's own in its section.
    """
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Sequence[Subject]) -> Iterator[str]:
    yield "# What `rkgraph gate` allows, at the numbers of today. Make them stricter as the models get better."
    yield "#   rkgraph gate reports/*.json --policy THIS [--against OLD]"
    yield "# A number that a report does not have fails; { most = 5, optional = true } lets it be missing, and"
    yield "# { most = 5, measured = true } wants the compiler's number, no estimate."
    yield "[budget]"
    for name in _EVERYWHERE:
        yield from _worst(MEASURES[name], found)
    yield ""
    yield "[ratchet]  # with --against: what must not get worse, by more than this part of the old number"
    yield "tolerance = 0.02"
    for subject in found:
        budgets = {name: limit for name in _EACH if (limit := _rounded(MEASURES[name], subject)) is not None}
        if budgets:
            yield ""
            yield "[[model]]"
            yield from toml_table({"match": _literal(subject.path), "target": _literal(subject.place)})
            yield "[model.budget]"
            for name, limit in budgets.items():
                (line,) = toml_table({name: limit})
                yield f"{line}  # {MEASURES[name].meaning}"


def _worst(measure: Measure, found: Sequence[Subject]) -> Iterator[str]:
    values = [number for subject in found if (number := _number(measure, subject)) is not None]
    if len(values) < len(found) or not values:
        return  # a model without the number would fail at once
    worst = max(values)
    limit: Any = VERDICTS[int(worst)] if measure.kind is Kind.VERDICT else _bound(measure, worst)
    (line,) = toml_table({measure.name: limit})
    yield f"{line}  # {measure.meaning}"


def _number(measure: Measure, subject: Subject) -> float | None:
    return next((number.value for number in measure.numbers(subject.story)), None)


def _rounded(measure: Measure, subject: Subject) -> Any:
    value = _number(measure, subject)
    if value is None or math.isnan(value):
        return None
    return _bound(measure, value)


def _bound(measure: Measure, value: float) -> int | float:
    """A bound with few digits that the value passes: likenesses are rounded down, all else up."""
    if measure.kind is Kind.LIKENESS:
        return math.floor(value * 1e6) / 1e6
    if measure.kind is Kind.SHARE and value != int(value):
        return math.ceil(value * 1e4) / 1e4
    return math.ceil(value)


_GLOB: Mapping[int, str] = str.maketrans({"[": "[[]", "*": "[*]", "?": "[?]"})


def _literal(path: str) -> str:
    """The glob that matches just this."""
    return path.translate(_GLOB)
