"""A case as the learner sees it: the place of the probed node, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rkgraph.probe.case import Case
from rkgraph.probe.place import Place, place_of
from rkgraph.tables.entry import Outcome

__all__ = ["Sample", "samples_of"]


@dataclass(frozen=True)
class Sample:
    """One measured case. `imputed` where it was measured for the base target only, and carries over."""

    id: str
    op: str
    place: Place
    outcome: Outcome
    imputed: bool = False


def samples_of(cases: Mapping[str, Case], lines: Iterable[Mapping[str, Any]]) -> dict[str, list[Sample]]:
    """The samples of lines of evidence by operator, in order of id. Lines whose case is gone are left out."""
    found: dict[str, list[Sample]] = {}
    for line in sorted(lines, key=lambda line: str(line["id"])):
        case = cases.get(line["id"])
        if case is not None:
            sample = Sample(case.id, case.op, place_of(case.text), line["outcome"])
            found.setdefault(case.op, []).append(sample)
    return dict(sorted(found.items()))
