"""Numbers held against budgets and against an older run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from rkgraph.diagnostics import Severity
from rkgraph.gate.measures import COMPILED, MEASURES, VERDICTS, Kind, Measure, Number, finding_count
from rkgraph.gate.policy import FINDINGS, Budget, Policy
from rkgraph.gate.subjects import Subject

__all__ = ["Row", "State", "Verdicts", "check"]

_ROUNDING = 1e-9
"""What floating-point arithmetic may add to a number that is just within its budget."""


class State(str, Enum):
    """How a number fared; `missing`: the report has none, and one was wanted."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    MISSING = "missing"
    SKIPPED = "skipped"

    @property
    def bad(self) -> bool:
        """Whether it closes the gate."""
        return self in (State.FAIL, State.MISSING)


@dataclass(frozen=True)
class Row:
    """One number of one model.

    Attributes:
        path, place: the model and the target.
        name: of the number.
        kind: how it is written.
        against: "budget", or "before" for the ratchet.
        value: None where there is none; `source` says where it is from.
        limit: the budget, or the old number with what the ratchet tolerates.
        state: how it fared.
        why: in words, where the numbers do not say it.
        before: the old number.
    """

    path: str
    place: str
    name: str
    kind: Kind
    against: str
    value: float | None
    source: str
    limit: float
    state: State
    why: str = ""
    before: float | None = None


@dataclass(frozen=True)
class Verdicts:
    """All rows, and what is worth knowing besides."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the gate is open."""
        return not any(row.state.bad for row in self.rows)

    @property
    def models(self) -> int:
        """How many models were judged, each target by itself."""
        return len({(row.path, row.place) for row in self.rows})


def check(now: Sequence[Subject], policy: Policy, before: Sequence[Subject] | None = None) -> Verdicts:
    """Judge all models.

    Args:
        now: what is judged.
        policy: what is allowed.
        before: an older run that nothing may be worse than; None: there is none.
    """
    rows: list[Row] = []
    notes: list[str] = []
    old = {subject.key: subject for subject in before or ()}
    for subject in now:
        budgets = policy.of(subject)
        if subject.story.after.error is not None:  # it passes no policy
            budgets = budgets or {"verdict": Budget("verdict", float(len(VERDICTS) - 1))}
        rows += [_against_budget(subject, budget) for budget in budgets.values()]
        if subject.key in old:
            rows += _against_old(subject, old.pop(subject.key), policy, budgets)
        elif before is not None:
            notes.append(f"{subject.name}: is new, there is no older report of it")
        if not budgets and before is None:
            notes.append(f"{subject.name}: no budget covers it")
    notes += [f"{subject.name}: was there before, and no report is given now" for subject in old.values()]
    unused = (s for s in policy.sections if not any(s.covers(subject) for subject in now))
    notes += [f"[[model]] match = {section.match!r} covers no report" for section in unused]
    return Verdicts(tuple(rows), tuple(notes))


def _against_budget(subject: Subject, budget: Budget) -> Row:
    def row(value: float | None, source: str, state: State, why: str = "") -> Row:
        return Row(subject.path, subject.place, budget.name, kind, "budget", value, source, budget.limit, state, why)

    measure = MEASURES.get(budget.name)
    kind = Kind.COUNT if measure is None else measure.kind
    if subject.story.after.error is not None:
        return row(None, "", State.MISSING, "the model could not be read")
    numbers = [_findings(subject, budget.name)] if measure is None else list(measure.numbers(subject.story))
    if budget.measured:
        numbers = [number for number in numbers if number.source == COMPILED]
    if not numbers:
        wanted = "the compiler's number is wanted, and the report has none" if budget.measured else "no number"
        return row(None, "", State.SKIPPED if budget.optional else State.MISSING, wanted)
    number = numbers[0]
    good = _within(measure, number.value, budget.limit)
    return row(number.value, number.source, State.PASS if good else State.FAIL)


def _findings(subject: Subject, name: str) -> Number:
    word = name.removeprefix(f"{FINDINGS}.")
    severities = {severity.value for severity in Severity}

    def matches(code: str, severity: str) -> bool:
        return severity == word if word in severities else code.startswith(word)

    return Number(float(finding_count(subject.story, matches)), "counted")


def _against_old(subject: Subject, old: Subject, policy: Policy, budgets: Mapping[str, Budget]) -> Iterator[Row]:
    for name in policy.ratchet.numbers:
        row = _compared(subject, old, MEASURES[name], policy.ratchet.tolerance)
        if row is None:
            continue
        if row.state is State.MISSING and name in budgets and budgets[name].optional:
            continue
        yield row


def _compared(subject: Subject, old: Subject, measure: Measure, tolerance: float) -> Row | None:
    """The number beside the old one from the same source; None where there never was one."""
    was = {number.source: number.value for number in measure.numbers(old.story)}
    own = {number.source: number.value for number in measure.numbers(subject.story)}
    if not was:
        return None
    source = next((each for each in own if each in was), None)
    before = was[source] if source is not None else next(iter(was.values()))
    limit = _tolerated(measure, before, tolerance)

    def row(value: float | None, state: State, why: str = "") -> Row:
        place = (subject.path, subject.place, measure.name, measure.kind, "before")
        return Row(*place, value, source or "", limit, state, why, before)

    if source is None:
        how = f"the older report has it {next(iter(was))}"
        return row(None, State.MISSING, how if not own else f"{how}, this one {next(iter(own))}")
    value = own[source]
    return row(value, State.PASS if _within(measure, value, limit) else State.FAIL)


def _tolerated(measure: Measure, before: float, tolerance: float) -> float:
    if measure.kind is Kind.VERDICT or math.isnan(before):
        return before
    if measure.kind is Kind.LIKENESS:
        return before - tolerance * (1.0 - before)  # 2 % of what is missing to 1, not of 1
    return before * (1.0 + tolerance)


def _within(measure: Measure | None, value: float, limit: float) -> bool:
    if measure is None:
        return value <= limit
    if math.isnan(limit):
        return True  # it was not a number before
    slack = _ROUNDING * abs(limit)
    edge = limit - slack if measure.kind is Kind.LIKENESS else limit + slack
    return value == limit or measure.better(value, edge)
