"""Induces the table of a toolkit version from its evidence, operators side by side."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from rkgraph.induction.operator import BASE, Learned, Task, learn
from rkgraph.induction.targets import Lines
from rkgraph.induction.toml_text import table_text
from rkgraph.probe.case import Case
from rkgraph.targets import Target

__all__ = ["BASE", "Induced", "induce"]


@dataclass(frozen=True)
class Induced:
    """A table and what it does not explain.

    Attributes:
        text: of the TOML file.
        unexplained: (target, case id, measured outcome) of measured cases that no limit explains.
        measured: builds that it rests on, over all targets.
    """

    text: str
    unexplained: tuple[tuple[Target, str, str], ...]
    measured: int


def induce(
    version: str,
    cases: Mapping[str, Case],
    evidence: Mapping[Target, Lines],
    *,
    jobs: int = 1,
    on_operator: Callable[[str], None] = lambda _op: None,
) -> Induced:
    """The table of a version. The same evidence gives the same bytes, whatever `jobs` is.

    Args:
        version: of the toolkit.
        cases: all cases by id.
        evidence: lines of each target: those of `version`, and those of `BASE`, which must be there.
        jobs: processes.
        on_operator: called with each operator's name when it is done.
    """
    targets = sorted((t for t in evidence if t.toolkit == version), key=lambda t: (t.platform != BASE.platform, str(t)))
    learned: dict[str, Learned] = {}
    for op, result in _learned(list(_tasks(targets, cases, evidence)), jobs):
        learned[op] = result
        on_operator(op)
    entries = [entry for op in sorted(learned) for entry in learned[op].entries]
    header = [{"platform": t.platform, "precision": t.precision, "cases": len(evidence[t])} for t in targets]
    unexplained = tuple(case for op in sorted(learned) for case in learned[op].unexplained)
    return Induced(table_text(version, header, entries), unexplained, sum(len(evidence[t]) for t in targets))


def _tasks(targets: Sequence[Target], cases: Mapping[str, Case], evidence: Mapping[Target, Lines]) -> Iterator[Task]:
    """One task an operator, the largest first."""
    by_op: dict[str, dict[str, Case]] = {}
    for name in evidence[BASE]:
        if name in cases:
            by_op.setdefault(cases[name].op, {})[name] = cases[name]
    wanted = (*targets, BASE)
    for op, own in sorted(by_op.items(), key=lambda item: (-len(item[1]), item[0])):
        lines = {
            target: {name: evidence[target][name] for name in own if name in evidence[target]} for target in wanted
        }
        yield Task(op, tuple(targets), own, lines)


def _learned(tasks: Sequence[Task], jobs: int) -> Iterator[tuple[str, Learned]]:
    if jobs == 1:
        yield from ((task.op, learn(task)) for task in tasks)
        return
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from zip((task.op for task in tasks), pool.map(learn, tasks), strict=True)
