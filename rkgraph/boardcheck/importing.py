"""A board's answers into the user table, or into the evidence of the repository."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rkgraph.probe.case import Case
from rkgraph.probe.evidence import add_device_lines
from rkgraph.tables.user_table import UserEntry, load_user_table

if TYPE_CHECKING:
    from rkgraph.boardcheck.judge import Answer
    from rkgraph.targets import Target

__all__ = ["Added", "add_to_repository", "add_to_user_table"]


@dataclass(frozen=True)
class Added:
    """How many answers went where, and the ids of those of which lint cannot know the node."""

    place: Path
    count: int
    unsigned: tuple[str, ...] = ()


def add_to_user_table(answers: Sequence[Answer], target: Target, path: Path) -> Added:
    """Teach lint what a board said. Of two cases with one signature, the worse answer counts.

    Raises:
        UsageError: the table cannot be read or written.
    """
    settled = [answer for answer in answers if answer.line]
    signed = sorted((a for a in settled if a.case["signature"]), key=_badness)
    entries = [
        (
            a.case["op"],
            a.case["signature"],
            a.case["model"],
            target,
            UserEntry(a.line["outcome"], "device", _details(a)),
        )
        for a in signed
    ]
    if entries:
        load_user_table(path).extended(entries).write(path)
    unsigned = tuple(a.case["id"] for a in settled if not a.case["signature"])
    return Added(path, len(entries), unsigned)


def add_to_repository(answers: Iterable[Answer], target: Target, folder: Path) -> Added:
    """Write the lines beside those of the compiler (`PLATFORM-PRECISION.device.jsonl`), and models that are new.

    Raises:
        UsageError: the folder has other models of these ids, or cannot be written.
    """
    settled = [answer for answer in answers if answer.line]
    cases = {a.case["id"]: Case(a.case["id"], a.case["op"], a.case["model"]) for a in settled}
    place = add_device_lines(target, [a.line for a in settled], cases, folder)
    return Added(place, len(settled))


def _badness(answer: Answer) -> int:
    return ("right", "as-simulated", "wrong", "refused").index(answer.kind)


def _details(answer: Answer) -> dict[str, object]:
    return {key: value for key, value in answer.line.items() if key not in ("id", "op", "outcome", "grade")}
