"""Measures many cases on several targets: all of them on some, a selection on the others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from zlib import crc32

from rkgraph.errors import UsageError
from rkgraph.probe.case import Case
from rkgraph.probe.evidence import lines_of, models_of
from rkgraph.probe.outcome import line_of
from rkgraph.probe.run import Executor, run_cases, unmeasured
from rkgraph.probe.selection import BUDGET, known_cases, select
from rkgraph.probe.store import ProbeStore
from rkgraph.targets import Target, platforms, precisions, toolkits

__all__ = ["BASE", "Campaign", "Lines", "Plan", "Step", "base_lines", "every_target", "measured_lines"]

BASE = Target("rk3588", "2.3.2", "fp16")
"""The target that all cases are measured on."""

Plan = Literal["rich", "selection"]

Lines = Mapping[str, Mapping[str, Any]]
"""Lines of evidence by id of the case."""


@dataclass(frozen=True)
class Step:
    """How far a target has come.

    Attributes:
        target: what is measured.
        round: number of the round of a selection, from 1; 0 where all cases are measured.
        built: cases built by this run.
        left: cases of the round that are not built yet.
        rest: of a selection: cases that later rounds may ask for.
    """

    target: Target
    round: int
    built: int
    left: int
    rest: int = 0


@dataclass
class Campaign:
    """One run over cases and targets. Interrupted at any point, the same call goes on from there."""

    cases: Mapping[str, Case]
    store: ProbeStore
    executor: Executor
    on_step: Callable[[Step], None] = lambda _step: None

    def measure(self, target: Target, plan: Plan | None = None, limit: int | None = None) -> dict[str, dict[str, Any]]:
        """Measure a target by a plan: "rich" (all cases) unless said otherwise for the base, else "selection".

        Args:
            target: what to build for.
            plan: which cases.
            limit: how many cases at most; those of "rich" are then the same random part every time.

        Returns:
            The lines of the plan's cases, by id.

        Raises:
            UsageError: a selection is asked for and nothing is known of the base target.
            ToolkitMissing, ToolkitFailed: the toolkit is not installed, or cannot be started.
        """
        if plan is None:
            plan = "rich" if target == BASE else "selection"
        if plan == "rich":
            cases = self._part(limit)
            self._build(cases, target, 0, 0)
            return measured_lines(cases, target, self.store)
        return self._select(target, BUDGET if limit is None else limit)

    def _part(self, limit: int | None) -> list[Case]:
        if limit is None:
            return list(self.cases.values())
        part = sorted(self.cases.values(), key=lambda case: (crc32(case.id.encode()), case.id))[:limit]
        return sorted(part, key=lambda case: case.id)

    def _select(self, target: Target, budget: int) -> dict[str, dict[str, Any]]:
        known = known_cases(self.cases.values(), base_lines(self.cases, self.store))
        if not known:
            raise UsageError(
                f"{target}: a selection needs measurements of {BASE}, and of these cases there are none",
                f"rkgraph probe --target {BASE.platform} --toolkit {BASE.toolkit}, or give --plan rich",
            )
        rounds = select(known, budget)
        lines: dict[str, dict[str, Any]] = {}
        number, chosen = 1, next(rounds, None)
        while chosen:
            self._build(chosen, target, number, max(0, budget - len(lines) - len(chosen)))
            lines |= measured_lines(chosen, target, self.store)
            number += 1
            try:
                chosen = rounds.send({name: line["outcome"] for name, line in lines.items()})
            except StopIteration:
                break
        return dict(sorted(lines.items()))

    def _build(self, cases: Collection[Case], target: Target, number: int, rest: int) -> None:
        waiting = len(unmeasured(cases, target, self.store))
        built = 0

        def done(_case: Case) -> None:
            nonlocal built
            built += 1
            self.on_step(Step(target, number, built, waiting - built, rest))

        self.on_step(Step(target, number, 0, waiting, rest))
        if waiting:
            run_cases(cases, target, self.executor, self.store, done)


_UNSURE = ("timed-out", "out-of-memory")
"""Ends that another program on the machine may have caused."""


def measured_lines(cases: Iterable[Case], target: Target, store: ProbeStore) -> dict[str, dict[str, Any]]:
    """The lines of the cases that the store has facts of, by id.

    A build that ran out of time or memory is left out: on a busy machine that says nothing of the compiler.
    """
    found = ((case, store.find(case.text, target)) for case in cases)
    return {case.id: line_of(case, facts) for case, facts in found if facts is not None and facts.ended not in _UNSURE}


def base_lines(cases: Mapping[str, Case], store: ProbeStore) -> Lines:
    """What the base target makes of the cases, by id: as measured here, else as the shipped evidence says."""
    lines = measured_lines(cases.values(), BASE, store)
    try:
        shipped, models = lines_of(BASE), models_of()
    except OSError:  # this rkgraph ships none
        return lines
    same = {name: line for name, line in shipped.items() if name in cases and cases[name].text == models[name].text}
    return {**same, **lines}


def every_target() -> tuple[Target, ...]:
    """Each platform of each toolkit at its ordinary precision: fp16, or the first where that cannot be."""
    return tuple(
        Target(platform, version, ordinary_precision(platform, version))
        for version in toolkits()
        for platform in platforms(version)
    )


def ordinary_precision(platform: str, version: str) -> str:
    """fp16, or where the platform only runs quantized models the first that the version has. Raises TargetError."""
    known = precisions(platform, version)
    return "fp16" if "fp16" in known else known[0]
