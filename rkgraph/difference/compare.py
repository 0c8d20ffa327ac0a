"""Two reports, model by model: verdict, numbers, findings, nodes, fixes, layers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from rkgraph.diagnostics import Diagnostic
from rkgraph.difference.nodes import Matched, match_nodes
from rkgraph.gate.measures import MEASURES, Kind
from rkgraph.gate.subjects import Subject
from rkgraph.results import AppliedFix, TensorInfo

__all__ = ["Change", "Changed", "Difference", "compare"]


@dataclass(frozen=True)
class Change:
    """A number that differs, by the source that both have; None where one side has none."""

    name: str
    kind: Kind
    source: str
    before: float | None
    after: float | None


@dataclass(frozen=True)
class Changed:
    """What differs between two results; every part is empty where nothing does.

    Attributes:
        before, after: the model on each side.
        facts: words of the model and its target that differ, by name: (before, after).
        numbers: in the order of the gate's measures.
        gone, new: findings by fingerprint.
        severities: findings that stayed, with another severity: (before, after).
        nodes: the placement, matched.
        fixes_gone, fixes_new: applied fixes by fingerprint, or else by code and place.
        layers: rows of the layer tables by operator and place: (before, after).
    """

    before: Subject
    after: Subject
    facts: Mapping[str, tuple[str, str]]
    numbers: tuple[Change, ...]
    gone: tuple[Diagnostic, ...]
    new: tuple[Diagnostic, ...]
    severities: tuple[tuple[Diagnostic, Diagnostic], ...]
    nodes: Matched
    fixes_gone: tuple[AppliedFix, ...]
    fixes_new: tuple[AppliedFix, ...]
    layers: Mapping[str, tuple[int, int]]

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        parts = (self.facts, self.numbers, self.gone, self.new, self.severities, self.fixes_gone, self.fixes_new)
        return not any(parts) and not (self.layers or self.nodes.moved or self.nodes.gone or self.nodes.new)


@dataclass(frozen=True)
class Difference:
    """All models of two runs: those of both, and those of one."""

    models: tuple[Changed, ...]
    gone: tuple[Subject, ...] = ()
    new: tuple[Subject, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not self.gone and not self.new and all(each.equal for each in self.models)


def compare(before: Sequence[Subject], after: Sequence[Subject]) -> Difference:
    """What changed.

    Models are matched by path and target, then by file name and target, then by target where each side has one left,
    then where each side has one left at all.
    """
    left, right = list(before), list(after)
    pairs: list[tuple[Subject, Subject]] = []
    keys: tuple[Callable[[Subject], object], ...] = (
        lambda s: s.key,
        lambda s: (PurePosixPath(s.path).name, s.target),
        lambda s: s.target,
        lambda _s: None,
    )
    for key in keys:
        for own in list(left):
            mine = [s for s in left if key(s) == key(own)]
            others = [s for s in right if key(s) == key(own)]
            if len(mine) == len(others) == 1:
                pairs.append((own, others[0]))
                left.remove(own)
                right.remove(others[0])
    places = {id(subject): place for place, subject in enumerate(after)}
    pairs.sort(key=lambda pair: places[id(pair[1])])
    return Difference(tuple(_changed(*pair) for pair in pairs), tuple(left), tuple(right))


def _changed(before: Subject, after: Subject) -> Changed:
    old, new = before.story, after.story
    was = {each.fingerprint: each for each in old.last_linted.diagnostics if each.counts}
    now = {each.fingerprint: each for each in new.last_linted.diagnostics if each.counts}
    fixed, fixes = _fixes(before), _fixes(after)
    return Changed(
        before,
        after,
        {name: pair for name, pair in _facts(before, after) if pair[0] != pair[1]},
        tuple(_numbers(before, after)),
        tuple(each for key, each in was.items() if key not in now),
        tuple(each for key, each in now.items() if key not in was),
        tuple((was[key], now[key]) for key in was if key in now and was[key].severity is not now[key].severity),
        match_nodes(old.placement, new.placement),
        tuple(each for key, each in fixed.items() if key not in fixes),
        tuple(each for key, each in fixes.items() if key not in fixed),
        _layers(before, after),
    )


def _facts(before: Subject, after: Subject) -> Iterator[tuple[str, tuple[str, str]]]:
    old, new = before.story.after, after.story.after
    yield "model", (before.path, after.path)
    yield "target", (before.place, after.place)
    yield "error", (old.error or "none", new.error or "none")
    yield "verdict", (old.verdict.value, new.verdict.value)
    yield "evidence", (old.confidence.value, new.confidence.value)
    yield "graph", (old.model.sha256 or "unknown", new.model.sha256 or "unknown")
    yield "opset", (str(old.model.opset), str(new.model.opset))
    yield "nodes", (str(old.model.nodes), str(new.model.nodes))
    yield "inputs", (_tensors(old.model.inputs), _tensors(new.model.inputs))
    yield "outputs", (_tensors(old.model.outputs), _tensors(new.model.outputs))
    yield "table", tuple(r.table.digest if r.table else "none" for r in (old, new))  # type: ignore[misc]


def _tensors(tensors: Sequence[TensorInfo]) -> str:
    def sizes(tensor: TensorInfo) -> str:
        return "…" if tensor.shape is None else ",".join("?" if size is None else str(size) for size in tensor.shape)

    return ", ".join(f"{t.name} {t.dtype or '?'}[{sizes(t)}]" for t in tensors) or "none"


def _numbers(before: Subject, after: Subject) -> Iterator[Change]:
    """Numbers that differ; of one that both have from one source, that alone."""
    for measure in MEASURES.values():
        was = {number.source: number.value for number in measure.numbers(before.story)}
        now = {number.source: number.value for number in measure.numbers(after.story)}
        both = [source for source in now if source in was]
        if measure.kind is Kind.VERDICT or not (was or now):
            continue
        for source in both:
            if was[source] != now[source] and not (math.isnan(was[source]) and math.isnan(now[source])):
                yield Change(measure.name, measure.kind, source, was[source], now[source])
        for source in (s for s in (*was, *now) if s not in both):
            yield Change(measure.name, measure.kind, source, was.get(source), now.get(source))


def _fixes(subject: Subject) -> dict[str, AppliedFix]:
    """Applied fixes by what names them; equal names are counted."""
    found: dict[str, AppliedFix] = {}
    seen: Counter[str] = Counter()
    for fix in subject.story.fixes.applied:
        name = fix.fingerprint or f"{fix.code} {fix.at}"
        seen[name] += 1
        found[f"{name} {seen[name]}"] = fix
    return found


def _layers(before: Subject, after: Subject) -> dict[str, tuple[int, int]]:
    was, now = (Counter(f"{row['op']} on {row['target']}" for row in s.story.layers) for s in (before, after))
    if not was or not now:
        return {}  # one side was not compiled: its numbers say so
    return {name: (was[name], now[name]) for name in sorted({*was, *now}) if was[name] != now[name]}
