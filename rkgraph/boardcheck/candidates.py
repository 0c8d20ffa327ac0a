"""Candidates for a board: models where the compiler's word leaves something open, each with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal
from zlib import crc32

from rkgraph.probe.case import Case
from rkgraph.probe.place import place_of
from rkgraph.tables.signature import signature_of

if TYPE_CHECKING:
    from rkgraph.probe.instances import Instance
    from rkgraph.tables.table import OpTable
    from rkgraph.targets import Target

__all__ = [
    "REASONS",
    "Candidate",
    "Reason",
    "candidates_of_evidence",
    "candidates_of_instances",
    "candidates_of_table",
    "signature_of_case",
]

Reason = Literal["no-kernel", "register", "disputed", "cpu", "unknown", "instance"]
"""Why a board is asked, the most open question first."""

REASONS: Mapping[Reason, str] = {
    "no-kernel": "lowered to a custom operator: does the board really refuse it?",
    "register": "a size does not fit a register of the NPU: are the numbers right all the same?",
    "disputed": "document and compiler disagree",
    "cpu": "runs in a kernel of the runtime's own: are its numbers right?",
    "unknown": "nobody has measured it",
    "instance": "an operator of the given model",
}
"""Each reason as a person reads it."""

_POSITIONS = ("alone", "between", "inside")
"""What stands around a node, least first: the less there is, the surer it is what a board refuses."""

_CASES_OF_OP = 12
"""Cases of an operator that are judged by the op table where there is no evidence; each takes some milliseconds."""


@dataclass(frozen=True)
class Candidate:
    """A model to run on a board.

    Attributes:
        case: the model.
        reason: why.
        leaf: equal for models that one answer is likely to settle together.
        signature: of the probed node, as lint knows nodes (`rkgraph.tables.signature`); "" where it has none, or
            where it has not been worked out yet.
    """

    case: Case
    reason: Reason
    leaf: tuple[str, ...]
    signature: str = ""

    def signed(self) -> Candidate:
        """With its signature."""
        return self if self.signature else replace(self, signature=signature_of_case(self.case))


def candidates_of_evidence(
    cases: Mapping[str, Case], lines: Mapping[str, Mapping[str, Any]], disputed: Iterable[str]
) -> list[Candidate]:
    """The cases whose line of evidence leaves something open, in order of id.

    Args:
        cases: models by id.
        lines: what the compiler made of them on the target, by id.
        disputed: operators of which a document says something else.
    """
    contested = frozenset(disputed)
    found = []
    for name in sorted(lines.keys() & cases.keys()):
        case, line = cases[name], lines[name]
        reason = _reason(line["outcome"], "warned" in line, case.op in contested)
        if reason is not None and not case.is_pattern:
            layers = tuple(sorted({*line.get("layers", ())}) or sorted({*line.get("around", ())}))
            leaf = (case.op, str(line["outcome"]), *layers, *line.get("lost", ()), *line.get("warned", ()))
            found.append(Candidate(case, reason, leaf))
    return found


def candidates_of_table(cases: Mapping[str, Case], table: OpTable, target: Target) -> Iterator[Candidate]:
    """The same from what the op table predicts, for an rkgraph that carries no evidence: up to 12 cases an operator.

    A leaf is the operator, the outcome and the limits that lead to it.
    """
    for case in _few_of_each(cases.values()):
        try:
            place = place_of(case.text)
        except Exception:  # noqa: BLE001, S112 - a case that onnx itself does not take is none for a board
            continue
        judged = table.judge(place.node, place.graph, target, place.is_constant)
        contested = judged.entry is not None and bool(judged.entry.disputed)
        reason = _reason(judged.outcome, False, contested)
        if reason is not None:
            broken = sorted({v.limit.check.kind for v in judged.violations if v.outcome == judged.outcome})
            yield Candidate(case, reason, (case.op, judged.outcome, *broken))


def candidates_of_instances(instances: Iterable[Instance]) -> list[Candidate]:
    """The operators of a user's model, each as it stands there; those that cannot be cut out are left out."""
    known: Mapping[str, Reason] = {"no-kernel": "no-kernel", "cpu": "cpu", "unknown": "unknown"}
    return [
        Candidate(each.cases[0], known.get(each.predicted, "instance"), (each.signature,), each.signature)
        for each in instances
        if each.cases and each.predicted != "build-fails"
    ]


def signature_of_case(case: Case) -> str:
    """The signature of the probed node of a case; "" where lint has none for it."""
    place = place_of(case.text)
    return signature_of(place.node, place.graph, place.is_constant) or ""


def position_rank(case: Case) -> int:
    """0 for a node that stands alone, more the more stands around it."""
    position = case.id.rpartition(",")[2]
    return _POSITIONS.index(position) if position in _POSITIONS else len(_POSITIONS)


def _reason(outcome: str, overflows: bool, contested: bool) -> Reason | None:
    if outcome in ("build-fails", "unknown"):  # no model to run, or nothing that was asked
        return None
    if outcome == "no-kernel":
        return "no-kernel"
    if overflows:
        return "register"
    if contested:
        return "disputed"
    return "cpu" if outcome == "cpu" else None


def _few_of_each(cases: Iterable[Case]) -> list[Case]:
    """Some cases of each operator, always the same ones: by position, then at random."""
    found: dict[str, list[Case]] = {}
    for case in sorted(cases, key=lambda c: (position_rank(c), crc32(c.id.encode()), c.id)):
        of_op = found.setdefault(case.op, [])
        if len(of_op) < _CASES_OF_OP and not case.is_pattern:
            of_op.append(case)
    return [case for op in sorted(found) for case in found[op]]
