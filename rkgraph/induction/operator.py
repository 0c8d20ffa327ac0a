"""Learns the entries of one operator: one for each group of platforms that fare alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rkgraph.induction.entries import entry_of
from rkgraph.induction.fit import fit
from rkgraph.induction.laws import fails_by_law
from rkgraph.induction.sample import Sample, samples_of
from rkgraph.induction.targets import Lines, as_lines, carried_over
from rkgraph.probe.case import Case
from rkgraph.tables.disputes import disputes
from rkgraph.tables.documented import cited
from rkgraph.tables.entry import Entry
from rkgraph.targets import Target, platform_facts

__all__ = ["BASE", "Learned", "Task", "learn"]

BASE = Target("rk3588", "2.3.2", "fp16")
"""Where every case is measured."""


@dataclass(frozen=True)
class Task:
    """All that is known of one operator.

    Attributes:
        op: "Gelu", "com.microsoft::Gelu".
        targets: those of one toolkit version, its base platform first.
        cases: by id.
        evidence: lines of each of `targets`, and of `BASE`.
    """

    op: str
    targets: tuple[Target, ...]
    cases: Mapping[str, Case]
    evidence: Mapping[Target, Lines]


@dataclass(frozen=True)
class Learned:
    """Entries, and (target, case id, measured outcome) of measured cases that they do not explain."""

    entries: tuple[Entry, ...]
    unexplained: tuple[tuple[Target, str, str], ...]


@dataclass
class _Group:
    """Targets that fare alike."""

    targets: list[Target]
    samples: list[Sample]


def learn(task: Task) -> Learned:
    """Learn the entries of an operator."""
    entries: list[Entry] = []
    unexplained: list[tuple[Target, str, str]] = []
    base = samples_of(task.cases, task.evidence[BASE].values()).get(task.op, [])
    for number, group in enumerate(_groups(base, task.targets, task.evidence)):
        if not group.samples:
            continue
        names = () if number == 0 else tuple(sorted({target.platform for target in group.targets}))
        fitted = fit(group.samples)
        entry = entry_of(task.op, group.samples, fitted, names)
        entries.append(replace(entry, disputed=_disputed(entry, group.targets[0])))
        wrong = [group.samples[index] for index in fitted.unexplained]
        unexplained += [(t, s.id, s.outcome) for t in group.targets for s in wrong if s.id in task.evidence[t]]
    return Learned(tuple(entries), tuple(unexplained))


def _groups(base: Sequence[Sample], targets: Sequence[Target], evidence: Mapping[Target, Lines]) -> Iterator[_Group]:
    """Targets that fare alike, with their samples; the first group stands for all platforms that no other names.

    What fails by a law of whole models is left out. A platform takes after its twin, where it has one, else after the
    base.
    """
    groups: dict[tuple[tuple[str, str], ...], _Group] = {}
    of_version: list[Sample] = list(base)
    version_lines: Lines = evidence[BASE]
    known: dict[str, tuple[list[Sample], Lines]] = {}
    for number, target in enumerate(sorted(targets, key=lambda t: platform_facts(t.platform).twin is not None)):
        model, lines = known.get(platform_facts(target.platform).twin or "", (of_version, version_lines))
        mine = list(base) if target == BASE else carried_over(model, lines, evidence[target])
        known[target.platform] = mine, as_lines(mine, lines, evidence[target])
        if number == 0 and target != BASE:
            of_version, version_lines = known[target.platform]
        mine = [s for s in mine if s.outcome != "build-fails" or not fails_by_law(s.place, target.toolkit)]
        group = groups.setdefault(tuple((s.id, s.outcome) for s in mine), _Group([], mine))
        group.targets.append(target)
        group.samples = [new if old.imputed else old for old, new in zip(group.samples, mine, strict=True)]
    yield from groups.values()


def _disputed(entry: Entry, target: Target) -> tuple[str, ...]:
    """The documents whose word on an operator as such contradicts the best that was measured."""
    version, platform = target.toolkit, target.platform
    contradicting = (d for d in disputes(entry, version, platform) if d.kind != "no-warning")
    return tuple(sorted({source for d in contradicting for source in cited(d.statement, version, platform)}))
