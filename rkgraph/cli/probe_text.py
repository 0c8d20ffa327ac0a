"""What `rkgraph probe` says: how far it has come, and what was measured."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING

from rkgraph.probe.summary import OUTCOMES, Difference, count_outcomes, differences

if TYPE_CHECKING:
    from rkgraph.cli.output import Output
    from rkgraph.probe.campaign import Lines, Step
    from rkgraph.probe.case import Case
    from rkgraph.targets import Target

__all__ = ["Progress", "duration", "progress_text", "summary"]

_EVERY = 30.0
"""Seconds between two lines of progress in a pipe."""

_MOST_DIFFERENCES = 30
"""Rows of differences that are shown of one target; --verbose shows all."""


class Progress:
    """The progress of one target: a live line in a terminal, a line now and then in a pipe."""

    def __init__(self, output: Output, target: Target, number: int, of: int) -> None:
        self._output = output
        self._title = f"[{number}/{of}] {target}" if of > 1 else str(target)
        self._stack = ExitStack()
        self._told = self._began = time.monotonic()
        self._before = 0
        self._last: Step | None = None

    def __enter__(self) -> Progress:
        self._tell = self._stack.enter_context(self._output.progress(self._title))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        if error is not None and self._last is not None:
            self._output.note(f"{self._title}: {self._total} cases built and kept; the same command goes on from there")

    @property
    def _total(self) -> int:
        return self._before + (self._last.built if self._last else 0)

    def step(self, step: Step) -> None:
        """Something was built, or a round begins."""
        if self._last is not None and step.built == 0:
            self._before += self._last.built
        self._last = step
        now = time.monotonic()
        text = progress_text(step, self._total, now - self._began)
        self._tell(text)
        if now - self._told > _EVERY and not self._output.is_live:
            self._told = now
            self._output.note(f"{self._title}: {text}")


def progress_text(step: Step, built: int, seconds: float) -> str:
    """How far a target has come: `built` cases in all rounds took `seconds` (s)."""
    words = [f"round {step.round}"] if step.round else []
    words.append(f"{built} built, {step.left} to build" + (f" (and up to {step.rest} more)" if step.rest else ""))
    if built:
        each = seconds / built
        least, most = step.left * each, (step.left + step.rest) * each
        words.append(f"{duration(least)} left" if not step.rest else f"{duration(least)} to {duration(most)} left")
    return ", ".join(words)


def duration(seconds: float) -> str:
    """Seconds in words: "50 s", "12 min", "3 h 20 min"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def summary(measured: Mapping[Target, Lines], base: Lines, cases: Mapping[str, Case], output: Output) -> None:
    """Counts of every target, then what differs from the base target; with --verbose also every line.

    Args:
        measured: lines of evidence of each target.
        base: those of the base target.
        cases: all that were asked for.
        output: where to print.
    """
    import json

    from rkgraph.probe.campaign import BASE

    if output.verbose:
        for lines in measured.values():
            for line in lines.values():
                output.print(json.dumps(line, ensure_ascii=False))
    found = {target: differences(lines, base) for target, lines in measured.items() if target != BASE}
    rows = [
        (str(t), str(len(lines)), *map(str, count_outcomes(lines)), _differ(found.get(t)))
        for t, lines in measured.items()
    ]
    output.table(("target", "cases", *OUTCOMES, "differ"), rows, right=range(1, 7), whole=(0,))
    if not any(lines for lines in measured.values()):
        output.note(f"none of {len(cases)} cases")
    for target, of_target in found.items():
        if of_target:
            _differences(target, of_target, output)


def _differ(found: Sequence[Difference] | None) -> str:
    return "base" if found is None else str(sum(len(d.ids) for d in found))


def _differences(target: Target, found: Sequence[Difference], output: Output) -> None:
    from rkgraph.probe.campaign import BASE

    shown = found if output.verbose else sorted(found, key=lambda d: -len(d.ids))[:_MOST_DIFFERENCES]
    output.print()
    output.print(f"{target}, where it differs from {BASE}", "title")
    rows = [(d.op, d.base, d.here, str(len(d.ids)), d.ids[0]) for d in shown]
    output.table(("operator", "there", "here", "cases", "for example"), rows, right=(3,), whole=(0,))
    if len(shown) < len(found):
        output.print(f"… {len(found) - len(shown)} more, see --verbose", "dim")
