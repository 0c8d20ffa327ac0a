"""What an op table says of operators, in words: for the terminal and for the reference pages, from the same data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rkgraph.tables.entry import Entry, Limit, Outcome
from rkgraph.tables.table import OpTable
from rkgraph.tables.wrong_numbers import WrongNumbers, wrong_numbers_of

__all__ = [
    "DEVICE",
    "OUTCOMES",
    "Change",
    "changes",
    "entry_record",
    "grouped",
    "name_of",
    "sources",
    "wrong_forms",
]

DEVICE: Mapping[Outcome, str] = {
    "npu": "NPU",
    "cpu": "CPU",
    "unknown": "not measured",
    "no-kernel": "no kernel on the board",
    "build-fails": "build fails",
}
"""An outcome in a word or two."""

OUTCOMES: tuple[Outcome, ...] = ("build-fails", "no-kernel", "cpu", "npu", "unknown")
"""The order in which limits are told: what hurts most first."""


def name_of(entry: Entry) -> str:
    """The operator's name, with its domain where that is not the standard one."""
    return f"{entry.domain}::{entry.op}" if entry.domain else entry.op


def grouped(entry: Entry) -> Iterator[tuple[Outcome, tuple[Limit, ...]]]:
    """The limits of an entry by what their violation leads to, worst first; outcomes without limits are left out."""
    for outcome in OUTCOMES:
        limits = tuple(limit for limit in entry.limits if limit.outcome == outcome)
        if limits:
            yield outcome, limits


def sources(entry: Entry) -> Iterator[str]:
    """What the entry rests on as items of a Markdown list: documents that say otherwise, then its evidence."""
    for source in entry.disputed:
        yield f"- disputed: `{source}` says otherwise"
    yield f"- evidence: {', '.join(f'`{e}`' for e in entry.evidence)}\n"


def wrong_forms(name: str, version: str, platform: str) -> tuple[WrongNumbers, ...]:
    """The forms of an operator that build and compute wrong numbers; of operators of other domains none are known."""
    return () if "::" in name else wrong_numbers_of(name, version, platform)


def entry_record(entry: Entry, table: OpTable, platform: str) -> dict[str, Any]:
    """An entry as JSON for programs: limits in words, with kind, evidence and confidence."""
    return {
        "op": name_of(entry),
        "toolkit": table.version,
        "platform": platform,
        "measured": any(measured == platform for measured, _ in table.measured),
        "outcome": entry.outcome,
        "confidence": entry.confidence.value,
        "cases": entry.cases,
        "evidence": list(entry.evidence),
        "disputed": list(entry.disputed),
        "wrong_numbers": [
            {"form": law.name, "rule": law.describe(), "told_by": law.told_by, "evidence": list(law.evidence)}
            for law in wrong_forms(name_of(entry), table.version, platform)
        ],
        "limits": [
            {
                "kind": limit.check.kind,
                "rule": limit.describe(),
                "otherwise": limit.outcome,
                "confidence": limit.confidence.value,
                "evidence": list(limit.evidence),
            }
            for limit in entry.limits
        ],
    }


@dataclass(frozen=True)
class Change:
    """What differs for an operator between two tables.

    Attributes:
        op: its name.
        before, after: what becomes of it where all limits hold; None where the table does not have it.
        lifted: limits of the first table only, in words with their outcome: what the upgrade gains.
        added: limits of the second table only: what it loses.
    """

    op: str
    before: Outcome | None
    after: Outcome | None
    lifted: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    @property
    def is_better(self) -> bool | None:
        """Whether the default outcome improved; None where it is the same."""
        ranks: Sequence[Outcome | None] = ("npu", "cpu", "unknown", None, "no-kernel", "build-fails")
        if self.before == self.after:
            return None
        return ranks.index(self.after) < ranks.index(self.before)


def changes(old: OpTable, new: OpTable, platform: str) -> tuple[Change, ...]:
    """All operators that the two tables treat differently on a platform, by name."""
    names = sorted({name_of(e) for table in (old, new) for e in table.entries()})
    found = (_change(name, old, new, platform) for name in names)
    return tuple(change for change in found if change is not None)


def _change(name: str, old: OpTable, new: OpTable, platform: str) -> Change | None:
    domain, _, op = name.rpartition("::")
    before, after = old.entry(op, platform, domain), new.entry(op, platform, domain)
    said = [_statements(entry) for entry in (before, after)]
    change = Change(
        name,
        before.outcome if before else None,
        after.outcome if after else None,
        tuple(words for words in said[0] if words not in said[1]),
        tuple(words for words in said[1] if words not in said[0]),
    )
    return change if change.before != change.after or change.lifted or change.added else None


def _statements(entry: Entry | None) -> tuple[str, ...]:
    """The limits that say something of the compiler, not where the evidence ends."""
    if entry is None:
        return ()
    return tuple(f"{x.describe()}; else {DEVICE[x.outcome]}" for x in entry.limits if x.outcome != "unknown")
