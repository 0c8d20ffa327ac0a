"""Induces the table of a toolkit version from its evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rkgraph.induction.entries import entry_of
from rkgraph.induction.fit import fit
from rkgraph.induction.laws import fails_by_law
from rkgraph.induction.sample import Sample, samples_of
from rkgraph.induction.targets import Lines, carried_over
from rkgraph.induction.toml_text import table_text
from rkgraph.probe.case import Case
from rkgraph.tables.disputes import disputes
from rkgraph.tables.documented import cited
from rkgraph.tables.entry import Entry
from rkgraph.targets import Target

__all__ = ["BASE", "Induced", "induce"]

BASE = Target("rk3588", "2.3.2", "fp16")
"""Where every case is measured."""


@dataclass(frozen=True)
class Induced:
    """A table and what it does not explain.

    Attributes:
        text: of the TOML file.
        unexplained: (target, case id, measured outcome) of measured cases that no limit explains.
        measured: cases measured, over all targets.
    """

    text: str
    unexplained: tuple[tuple[Target, str, str], ...]
    measured: int


def induce(
    version: str,
    cases: Mapping[str, Case],
    evidence: Mapping[Target, Lines],
    *,
    on_operator: Callable[[str], None] = lambda _op: None,
) -> Induced:
    """The table of a version.

    Args:
        version: of the toolkit.
        cases: all cases by id.
        evidence: lines of each target: those of `version`, and those of `BASE`, which must be there.
        on_operator: called with each operator's name as it is begun.
    """
    targets = sorted((t for t in evidence if t.toolkit == version), key=lambda t: (t.platform != BASE.platform, str(t)))
    base = samples_of(cases, evidence[BASE].values())
    entries: list[Entry] = []
    unexplained: list[tuple[Target, str, str]] = []
    for op, samples in base.items():
        on_operator(op)
        for names, shared in _groups(samples, targets, evidence):
            fitted = fit(shared)
            entry = entry_of(op, shared, fitted, names)
            entries.append(
                replace(entry, disputed=_disputed(entry, version, names[0] if names else targets[0].platform))
            )
            for index in fitted.unexplained:
                if not shared[index].imputed:
                    where = [t for t in targets if not names or t.platform in names]
                    unexplained += [(t, shared[index].id, shared[index].outcome) for t in where[:1]]
    header = [{"platform": t.platform, "precision": t.precision, "cases": len(evidence[t])} for t in targets]
    return Induced(table_text(version, header, entries), tuple(unexplained), sum(len(evidence[t]) for t in targets))


@dataclass
class _Group:
    """Platforms that fare alike."""

    platforms: list[str]
    samples: list[Sample]


def _disputed(entry: Entry, version: str, platform: str) -> tuple[str, ...]:
    """The documents whose word on an operator as such contradicts the best that was measured."""
    contradicting = (d for d in disputes(entry, version, platform) if d.kind != "no-warning")
    return tuple(sorted({source for d in contradicting for source in cited(d.statement, version, platform)}))


def _groups(
    base: Sequence[Sample], targets: Sequence[Target], evidence: Mapping[Target, Lines]
) -> Iterator[tuple[tuple[str, ...], list[Sample]]]:
    """Platforms that fare alike, with their samples; the first group, unnamed, stands for all others too.

    What fails by a law of whole models is left out.
    """
    groups: dict[tuple[tuple[str, str], ...], _Group] = {}
    of_version: list[Sample] = list(base)
    version_lines: Lines = evidence[BASE]
    for number, target in enumerate(targets):
        mine = list(base) if target == BASE else carried_over(of_version, version_lines, evidence[target])
        if number == 0 and target != BASE:
            of_version, version_lines = mine, _as_lines(mine, version_lines, evidence[target])
        mine = [s for s in mine if s.outcome != "build-fails" or not fails_by_law(s.place, target.toolkit)]
        group = groups.setdefault(tuple((s.id, s.outcome) for s in mine), _Group([], mine))
        group.platforms.append(target.platform)
        group.samples = [new if old.imputed else old for old, new in zip(group.samples, mine, strict=True)]
    for number, group in enumerate(groups.values()):
        if group.samples:
            yield (() if number == 0 else tuple(sorted(set(group.platforms)))), group.samples


def _as_lines(samples: Sequence[Sample], base: Lines, own: Lines) -> dict[str, Mapping[str, Any]]:
    """Lines of a version's base target: its own where measured, else those that carried over."""
    found: dict[str, Mapping[str, Any]] = dict(base)
    for sample in samples:
        found[sample.id] = own.get(sample.id) or {**base[sample.id], "outcome": sample.outcome}
    return found
