"""What belongs together on a page: findings of one rule, fixes with one title, a node with where it really ran."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rkgraph.diagnostics import Device, Diagnostic, Safety, Severity
from rkgraph.results import AppliedFix, PlacedNode, Proof

__all__ = ["FindingGroup", "FixGroup", "PlacedRow", "findings_by_rule", "fixes_by_title"]

_DETAILS = 3
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


def fixes_by_title(applied: Iterable[AppliedFix], proofs: Iterable[Proof]) -> tuple[FixGroup, ...]:
    """Applied fixes by rule, title and permission, in the order of their first use, with their proofs."""
    by_id = {proof.id: proof for proof in proofs}
    groups: dict[tuple[str, str, Safety, str], list[AppliedFix]] = {}
    for fix in applied:
        groups.setdefault((fix.code, fix.title, fix.safety, fix.allowed_by), []).append(fix)
    return tuple(
        FixGroup(*key, tuple(fixes), tuple({i: by_id[i] for f in fixes for i in f.proofs if i in by_id}.values()))
        for key, fixes in groups.items()
    )


def findings_by_rule(findings: Iterable[Diagnostic]) -> tuple[FindingGroup, ...]:
    """Findings by rule, the most severe rules first, and of each rule the most severe findings and causes."""
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
