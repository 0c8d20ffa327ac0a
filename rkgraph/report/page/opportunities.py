"""What to mend first: causes ranked by what removing them would buy."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from rkgraph.report.story import Story

__all__ = ["Gain", "gains_of"]

_MOST = 12


@dataclass(frozen=True)
class Gain:
    """One row: a rule, the findings (fingerprints) that are its causes, and what goes away with them.

    `nodes` leave the CPU or get a kernel; None where the document does not say, as for `crossings` and `bytes`.
    """

    code: str
    findings: tuple[str, ...]
    induced: int
    blocks: bool = False
    nodes: int | None = None
    crossings: int | None = None
    bytes: int | None = None


def gains_of(story: Story) -> tuple[Gain, ...]:
    """The opportunities that the document ranks; where it ranks none, causes by how many findings follow from them."""
    result = story.last_linted
    if result.opportunities is not None:
        return tuple(
            Gain(
                each.code,
                each.findings,
                each.induced,
                each.blocks,
                each.no_kernel + each.cpu_nodes,
                each.crossings,
                each.crossing_bytes,
            )
            for each in result.opportunities[:_MOST]
        )
    following = Counter(finding.induced_by for finding in result.diagnostics if not finding.cause)
    by_code: dict[str, list[str]] = {}
    for finding in result.diagnostics:
        if following[finding.fingerprint]:
            by_code.setdefault(finding.code, []).append(finding.fingerprint)
    gains = [Gain(code, tuple(found), sum(following[each] for each in found)) for code, found in by_code.items()]
    return tuple(sorted(gains, key=lambda gain: (-gain.induced, gain.code))[:_MOST])
