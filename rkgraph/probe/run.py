"""Measures cases that the store does not have yet, by any executor, and keeps each result as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from rkgraph.probe.case import Case
from rkgraph.probe.facts import Facts
from rkgraph.probe.store import ProbeStore
from rkgraph.targets import Target

__all__ = ["Executor", "run_cases", "unmeasured"]


class Executor(Protocol):
    """Who builds models: threads of this process (`rkgraph.probe.local`), or a cluster (`rkgraph.probe.cluster`)."""

    def run(self, texts: Iterable[str], target: Target) -> Iterator[tuple[str, Facts]]:
        """Build models (ONNX text) for a target; each with its facts, in the order in which they end.

        Closing the iterator ends what is under way. Raises ToolkitMissing or ToolkitFailed.
        """
        ...


def unmeasured(cases: Iterable[Case], target: Target, store: ProbeStore) -> list[Case]:
    """The cases that the store has no facts of."""
    return [case for case in cases if store.find(case.text, target) is None]


def run_cases(
    cases: Iterable[Case],
    target: Target,
    executor: Executor,
    store: ProbeStore,
    on_done: Callable[[Case], None] = lambda _case: None,
) -> None:
    """Build every case that the store does not have yet; those with the same model once.

    Whatever interrupts it, what was built is in the store, and the same call goes on from there.

    Raises:
        ToolkitMissing, ToolkitFailed: the toolkit is not installed, or cannot be started.
        UsageError: the store cannot be written.
    """
    waiting: Mapping[str, list[Case]] = _by_text(unmeasured(cases, target, store))
    results = executor.run(list(waiting), target)
    for text, facts in results:
        store.keep(text, target, facts)
        for case in waiting[text]:
            on_done(case)


def _by_text(cases: Iterable[Case]) -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = {}
    for case in cases:
        found.setdefault(case.text, []).append(case)
    return found
