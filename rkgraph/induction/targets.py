"""One operator on many targets: which platforms share an entry, and what carries over from the base target.

The base of a version is rk3588 in fp16; the base of all is 2.3.2 there, where every case is measured. Elsewhere a
selection is measured. What it leaves out carries over from the base where cases like it mostly fare as there: a case
is like another where the base gave both the same outcome by the same layers, or the same error. Where all that was
measured of a kind has another outcome, that carries over; where it is mixed, nothing does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rkgraph.induction.sample import Sample

__all__ = ["Lines", "as_lines", "carried_over", "likeness"]

Lines = Mapping[str, Mapping[str, Any]]
"""Lines of evidence by case id."""

_MOSTLY = 0.7
"""Share of measured cases of a kind that fare as on the base: then the others are taken to do so, too."""

_PARTICULARS = re.compile(r"\d+|\[[^\]]*\]|'[^']*'|\"[^\"]*\"")


def likeness(line: Mapping[str, Any]) -> tuple[str, ...]:
    """What became of a case, without names and numbers: equal for cases that fared alike for one reason."""
    if "error" in line:
        return str(line["outcome"]), _PARTICULARS.sub("…", str(line["error"]))[:60]
    return str(line["outcome"]), *sorted(line.get("layers", ())), *line.get("lost", ())


def carried_over(base: Sequence[Sample], base_lines: Lines, target_lines: Lines) -> list[Sample]:
    """The samples of one operator on another target.

    Args:
        base: its samples on the base target, each with a line in `base_lines`.
        base_lines: of the base target.
        target_lines: of the target. Where a case was measured, that counts.
    """
    outcomes: dict[tuple[str, ...], list[str]] = {}
    for sample in base:
        measured = target_lines.get(sample.id)
        if measured is not None:
            outcomes.setdefault(likeness(base_lines[sample.id]), []).append(str(measured["outcome"]))
    found: list[Sample] = []
    for sample in base:
        measured = target_lines.get(sample.id)
        if measured is not None:
            found.append(replace(sample, outcome=measured["outcome"]))
            continue
        seen = outcomes.get(likeness(base_lines[sample.id]), [sample.outcome])
        if seen.count(sample.outcome) >= _MOSTLY * len(seen):
            found.append(replace(sample, imputed=True))
        elif len(set(seen)) == 1:
            found.append(replace(sample, outcome=seen[0], imputed=True))  # type: ignore[arg-type]
    return found


def as_lines(samples: Sequence[Sample], base: Lines, own: Lines) -> dict[str, Mapping[str, Any]]:
    """Lines of a version's base platform: its own where measured, else those that carried over."""
    found: dict[str, Mapping[str, Any]] = dict(base)
    for sample in samples:
        found[sample.id] = own.get(sample.id) or {**base[sample.id], "outcome": sample.outcome}
    return found
