"""From results to stories: what was found in a model, what was done about it, and what became of it.

A story is a run of results about one model on one target: as it came, after `rkgraph fix`, after `rkgraph compile`.
Pure functions of the report; what a template shows is decided here, how it looks is decided there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rkgraph.diagnostics import Device, Diagnostic, Safety, Severity
from rkgraph.results import AppliedFix, Fixes, PlacedNode, Proof, Report, Result

__all__ = ["FindingGroup", "FixGroup", "PlacedRow", "Story", "stories"]

_DETAILS = 3
_TROUBLES = ("RK240", "RK241", "RK242")
_AGREEMENT = {
    "agree": "where they were predicted",
    "differ": "elsewhere",
    "folded": "gone before lowering",
    "unpredicted": "without prediction",
    "unmapped": "not found in the layer table",
}
_MANY = 6  # more findings of one rule than this are folded


@dataclass(frozen=True)
class FindingGroup:
    """All findings of one rule, the most severe first; `severity` is the highest."""

    code: str
    severity: Severity
    findings: tuple[Diagnostic, ...]

    @property
    def shown(self) -> tuple[Diagnostic, ...]:
        """What is shown at once: causes, and of many of them the first."""
        causes = tuple(finding for finding in self.findings if finding.cause)
        return causes if len(causes) <= _MANY else causes[: _MANY - 2]

    @property
    def folded(self) -> tuple[Diagnostic, ...]:
        """What is shown on request: the other causes, and what follows from another finding."""
        shown = {id(finding) for finding in self.shown}
        return tuple(finding for finding in self.findings if id(finding) not in shown)


@dataclass(frozen=True)
class FixGroup:
    """Applied fixes of one rule with one title, allowed in one way, and what their proofs say together."""

    code: str
    title: str
    safety: Safety
    allowed_by: str
    fixes: tuple[AppliedFix, ...]
    proofs: tuple[Proof, ...]

    @property
    def details(self) -> str:
        """What the fixes say of themselves, each wording once, the first of many."""
        told = tuple(dict.fromkeys(fix.detail for fix in self.fixes if fix.detail))
        return " · ".join((*told[:_DETAILS], "…") if len(told) > _DETAILS else told)

    @property
    def kinds(self) -> str:
        """Kinds of proof, in the order of their first use."""
        return ", ".join(dict.fromkeys(proof.kind for proof in self.proofs))

    @property
    def cases(self) -> int:
        """Inputs or elements that were checked, together."""
        return sum(proof.cases for proof in self.proofs)

    @property
    def largest_error(self) -> float | None:
        """The largest error that any proof saw; None where none measures one."""
        return max((p.largest_error for p in self.proofs if p.largest_error is not None), default=None)

    @property
    def tolerance(self) -> Mapping[str, float]:
        """The widest tolerance of the proofs, by kind."""
        found: dict[str, float] = {}
        for proof in self.proofs:
            for name, value in proof.tolerance.items():
                found[name] = max(value, found.get(name, value))
        return found

    @property
    def outcome(self) -> str:
        """The weakest outcome: refuted, then skipped, then proved; "none" without a proof."""
        outcomes = {proof.outcome for proof in self.proofs}
        return next((o for o in ("refuted", "skipped", "proved") if o in outcomes), "none")


@dataclass(frozen=True)
class PlacedRow:
    """A node of the original graph, where it was predicted to run and where the compiler put it (None: not known)."""

    node: PlacedNode
    real: Device | None

    @property
    def agrees(self) -> bool:
        """False only where the compiler contradicts the prediction."""
        return self.real is None or self.real is self.node.device


@dataclass(frozen=True)
class Story:
    """One model on one target, from the first result to the last."""

    results: tuple[Result, ...]

    @property
    def before(self) -> Result:
        """The model as it came."""
        return self.results[0]

    @property
    def after(self) -> Result:
        """What is known last."""
        return self.results[-1]

    @property
    def changed(self) -> bool:
        """True where there is a before and an after to show."""
        return bool(self.fixes.applied)

    @property
    def placement(self) -> tuple[PlacedNode, ...]:
        """The latest placement there is."""
        return next((r.placement for r in reversed(self.results) if r.placement), ())

    @property
    def fixes(self) -> Fixes:
        """What was done and what was refused, by the last result that says so."""
        return next((r.fixes for r in reversed(self.results) if r.fixes != Fixes()), Fixes())

    @property
    def proofs(self) -> tuple[Proof, ...]:
        """All proofs, each once."""
        return tuple({proof.id: proof for result in self.results for proof in result.proofs}.values())

    @property
    def compile(self) -> Mapping[str, Any] | None:
        """What the real compiler did, by the last result that has it."""
        return next((r.compile for r in reversed(self.results) if r.compile is not None), None)

    @property
    def tune(self) -> Mapping[str, Any] | None:
        """What `fix --tune` had built, and what it kept."""
        return next((r.tune for r in reversed(self.results) if r.tune is not None), None)

    @property
    def judgement(self) -> str:
        """What the compiler said against what was predicted, in a line; "" where it was not asked."""
        predicted = (self.compile or {}).get("predicted_verdict")
        if predicted is None:
            return ""
        agrees = predicted == self.after.verdict.value
        words = [f"{predicted}, as predicted" if agrees else f"{self.after.verdict.value}, predicted {predicted}"]
        for stage in self.compiled_stages:
            words += [
                f"{count} nodes {_AGREEMENT.get(key, key)}"
                for key, count in stage.get("agreement", {}).items()
                if count
            ]
        return " · ".join(words)

    @property
    def compiled_stages(self) -> Sequence[Mapping[str, Any]]:
        """The stages as the compiler built them."""
        return tuple((self.compile or {}).get("stages", ()))

    @property
    def verify(self) -> Mapping[str, Any] | None:
        """How the compiled model compares with the reference."""
        return (self.compile or {}).get("verify")

    @property
    def islands(self) -> Mapping[str, Any] | None:
        """The tensors of a quantized build that stay fp16, the builds that were tried, and what int8 does to values."""
        return (self.compile or {}).get("islands")

    @property
    def sentences(self) -> Mapping[str, Any] | None:
        """How real sentences fared, where somebody measured it."""
        return (self.compile or {}).get("sentences")

    @property
    def open_findings(self) -> tuple[FindingGroup, ...]:
        """What is still to be said about the model."""
        return _grouped(f for f in self.last_linted.diagnostics if f.counts)

    @property
    def resolved_findings(self) -> tuple[FindingGroup, ...]:
        """What was found in the model as it came and is gone."""
        if not self.changed:
            return ()
        left = {finding.fingerprint for finding in self.last_linted.diagnostics}
        return _grouped(finding for finding in self.before.diagnostics if finding.fingerprint not in left)

    @property
    def measured_troubles(self) -> tuple[Diagnostic, ...]:
        """What was seen to go wrong in fp16 on samples (RK240 to RK242)."""
        return tuple(f for f in self.last_linted.diagnostics if f.code in _TROUBLES)

    @property
    def accepted_findings(self) -> tuple[FindingGroup, ...]:
        """What a suppression covers, with its reason, or the baseline has."""
        return _grouped(f for f in self.last_linted.diagnostics if not f.counts)

    @property
    def lowest_cosine(self) -> float | None:
        """The worst likeness that was measured, of outputs or of sentences; None where nobody measured."""
        outputs = (self.verify or {}).get("outputs", ())
        rows = (self.sentences or {}).get("rows", ())
        found = [entry.get("cosine") for entry in (*outputs, *rows)]
        # What is no number is worse than any number, and min() would lose it.
        known = (cosine for cosine in found if cosine is not None)
        return min(known, key=lambda cosine: (not math.isnan(cosine), cosine), default=None)

    @property
    def last_linted(self) -> Result:
        """The last result with findings or fixes: a build says nothing new of them."""
        return next((r for r in reversed(self.results) if r.diagnostics or r.fixes != Fixes()), self.after)

    @property
    def fix_groups(self) -> tuple[FixGroup, ...]:
        """Applied fixes by rule, title and permission, in the order of their first use."""
        by_id = {proof.id: proof for proof in self.proofs}
        groups: dict[tuple[str, str, Safety, str], list[AppliedFix]] = {}
        for fix in self.fixes.applied:
            groups.setdefault((fix.code, fix.title, fix.safety, fix.allowed_by), []).append(fix)
        return tuple(
            FixGroup(*key, tuple(fixes), tuple({i: by_id[i] for f in fixes for i in f.proofs if i in by_id}.values()))
            for key, fixes in groups.items()
        )

    @property
    def whole_proofs(self) -> tuple[Proof, ...]:
        """Proofs that belong to no single fix; the simulator's has a table of its own where it is known in detail."""
        claimed = {i for fix in self.fixes.applied for i in fix.proofs}
        told = "simulator" if self.verify else ""
        return tuple(proof for proof in self.proofs if proof.id not in claimed and proof.kind != told)

    @property
    def rows(self) -> tuple[PlacedRow, ...]:
        """The placement, with what the compiler really did where that is known."""
        real = {
            entry["node"]: Device(entry["real"])
            for stage in self.compiled_stages
            for entry in stage.get("placement", ())
        }
        return tuple(PlacedRow(node, real.get(node.node)) for node in self.placement)

    @property
    def layers(self) -> tuple[Mapping[str, Any], ...]:
        """Layers of all stages, inputs and outputs of the model included."""
        return tuple(layer for stage in self.compiled_stages for layer in stage.get("layers", ()))


def stories(report: Report) -> tuple[Story, ...]:
    """The results of a report as stories, in order."""
    found: list[list[Result]] = []
    for result in report.results:
        if found and _continues(found[-1][-1], result):
            found[-1].append(result)
        else:
            found.append([result])
    return tuple(Story(tuple(results)) for results in found)


def _continues(last: Result, result: Result) -> bool:
    """Whether `result` goes on where `last` stopped: the same model, what fixing made of it, or what was built."""
    if last.target != result.target or last.error or result.error:
        return False
    if last.model.path == result.model.path:
        return True
    if last.model.sha256 is not None and last.model.sha256 == result.model.sha256:
        return True
    if result.fixes != Fixes():
        return last.fixes == Fixes() and last.compile is None
    return last.fixes != Fixes() and result.compile is not None and _shape_of(last) == _shape_of(result)


def _shape_of(result: Result) -> tuple[object, ...]:
    """What stays the same when a fixed model is written to another file."""
    return result.model.nodes, result.model.opset, result.model.inputs, result.model.outputs


def _grouped(findings: Iterable[Diagnostic]) -> tuple[FindingGroup, ...]:
    groups: dict[str, list[Diagnostic]] = {}
    for finding in findings:
        groups.setdefault(finding.code, []).append(finding)
    made = [
        FindingGroup(
            code,
            max((f.severity for f in found), key=lambda s: s.rank),
            tuple(sorted(found, key=lambda f: (-f.severity.rank, not f.cause))),
        )
        for code, found in groups.items()
    ]
    return tuple(sorted(made, key=lambda group: (-group.severity.rank, group.code)))
