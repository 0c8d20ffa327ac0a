"""The score at a glance: three parts that are each easy to check, and one number made of them.

A part is between 0 and 100. Builds: 100 where the model can be deployed, 0 where the build fails. NPU: the share of the
working nodes (all but folded ones) that the NPU runs. Numbers: the lowest cosine that was measured, on a scale where
0.99 gives 50 and 0.99999 gives 100; where nothing was measured, 100 less what the hazards weigh. The score is
Builds × (0.5 + 0.3 × NPU + 0.2 × Numbers): what does not build is worth nothing, however good the rest is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from rkgraph.diagnostics import Device, Diagnostic, Severity, Verdict
from rkgraph.report.gains import cosine_text
from rkgraph.report.story import Story
from rkgraph.results import PlacedNode

__all__ = ["Part", "Score", "score_of"]

_BUILDS = {Verdict.DEPLOYABLE: 100, Verdict.UNKNOWN: 50, Verdict.BUILD_FAILS: 0}
_NO_KERNEL_AT_MOST = 40
_HAZARDS = ("RK2", "RK7")
_WEIGHTS = {Severity.ERROR: 30, Severity.WARNING: 10, Severity.NOTE: 0}


@dataclass(frozen=True)
class Part:
    """One of the three: its name, 0 to 100, and why."""

    name: str
    points: int
    why: str

    @property
    def tone(self) -> str:
        """How it is coloured: "good" from 90, "warn" from 50, else "bad"."""
        return "good" if self.points >= 90 else "warn" if self.points >= 50 else "bad"


@dataclass(frozen=True)
class Score:
    """The whole, and its parts in the order of the page."""

    whole: Part
    parts: tuple[Part, ...]


def score_of(story: Story) -> Score:
    """The score of what is known last about a model."""
    parts = (_builds(story), _on_npu(story), _numbers(story))
    builds, npu, numbers = (part.points / 100 for part in parts)
    whole = round(100 * builds * (0.5 + 0.3 * npu + 0.2 * numbers))
    return Score(Part("Score", whole, "Builds × (50 % + 30 % × NPU + 20 % × Numbers)"), parts)


def _builds(story: Story) -> Part:
    verdict = story.after.verdict
    measured = bool(story.compiled_stages) or (story.compile or {}).get("outcome") not in (None, "ok")
    why = f"{verdict.value}, {'built' if measured else f'evidence: {story.after.confidence.value}'}"
    if verdict is not Verdict.NO_BOARD_KERNEL:
        return Part("Builds", _BUILDS[verdict], why)
    working = _working(story.placement)
    lost = sum(node.device is Device.NO_KERNEL for node in working)
    return Part("Builds", round(_NO_KERNEL_AT_MOST * (1 - lost / max(1, len(working)))), why)


def _on_npu(story: Story) -> Part:
    rows = [(row.real or row.node.device) for row in story.rows]
    working = [device for device in rows if device is not Device.FOLDED]
    on_npu = sum(device is Device.NPU for device in working)
    share = 100 * on_npu // max(1, len(working))  # rounded down: only all of them are 100
    return Part("NPU", share, f"{on_npu:,} of {len(working):,} working nodes")


def _numbers(story: Story) -> Part:
    cosine = story.lowest_cosine
    if cosine is not None:
        return Part("Numbers", points_of_cosine(cosine), f"lowest cosine {cosine_text(cosine)}, measured")
    hazards = _hazards(finding for group in story.open_findings for finding in group.findings)
    weight = sum(_WEIGHTS[severity] for severity in hazards.values())
    words = f"not measured; {len(hazards)} hazard{'s' if len(hazards) != 1 else ''} by rule"
    return Part("Numbers", max(0, 100 - weight), words)


def points_of_cosine(cosine: float) -> int:
    """0 at 0.9 and below, 50 at 0.99, 100 from 0.99999 on; straight in the digits in between."""
    if math.isnan(cosine) or cosine <= 0.9:
        return 0
    digits = min(5.0, -math.log10(max(1e-12, 1 - cosine)))
    return round(50 * (digits - 1) if digits < 2 else 50 + 50 * (digits - 2) / 3)


def _hazards(findings: Iterable[Diagnostic]) -> dict[str, Severity]:
    """The highest severity of each rule about numbers, by its causes."""
    found: dict[str, Severity] = {}
    for finding in findings:
        if finding.cause and finding.code.startswith(_HAZARDS):
            last = found.get(finding.code, Severity.NOTE)
            found[finding.code] = max(last, finding.severity, key=lambda severity: severity.rank)
    return found


def _working(placement: Iterable[PlacedNode]) -> list[PlacedNode]:
    return [node for node in placement if node.device is not Device.FOLDED]
