"""The numbers that a budget may bound: what each is, and where a report has it.

A number of the compiler comes before an estimate of it. Where a report has neither, there is no number, and a gate
never takes that for a good one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from rkgraph.diagnostics import Device, Verdict
from rkgraph.report.story import Story

__all__ = ["COMPILED", "ESTIMATED", "MEASURES", "VERDICTS", "Kind", "Measure", "Number", "finding_count"]

COMPILED, ESTIMATED, COUNTED = "compiled", "estimated", "counted"
"""Where a number comes from: the compiler, an estimate, or counting in the report."""

VERDICTS: tuple[str, ...] = tuple(
    verdict.value for verdict in (Verdict.DEPLOYABLE, Verdict.UNKNOWN, Verdict.NO_BOARD_KERNEL, Verdict.BUILD_FAILS)
)
"""Best first."""


class Kind(str, Enum):
    """How a number is written, and which end of it is the bad one."""

    COUNT = "count"
    BYTES = "bytes"
    SHARE = "share"
    LIKENESS = "likeness"
    VERDICT = "verdict"


@dataclass(frozen=True)
class Number:
    """A number (of a verdict its rank) and where it comes from."""

    value: float
    source: str


Read = Callable[[Story], float | None]


@dataclass(frozen=True)
class Measure:
    """A number of a report.

    Attributes:
        name: its key in a policy.
        kind: how it is written; of a likeness the budget is the least, of all else the most.
        meaning: what it is, for the policy that `--init` writes.
        compiled, estimated, counted: how to read it from each source; None where the source has no such number.
    """

    name: str
    kind: Kind
    meaning: str
    compiled: Read | None = None
    estimated: Read | None = None
    counted: Read | None = None

    def numbers(self, story: Story) -> Iterator[Number]:
        """The number by each source that has it, the most trusted one first."""
        for source, read in ((COMPILED, self.compiled), (COUNTED, self.counted), (ESTIMATED, self.estimated)):
            value = read(story) if read is not None else None
            if isinstance(value, int | float) and not isinstance(value, bool):
                yield Number(float(value), source)

    def better(self, left: float, right: float) -> bool:
        """Whether `left` is better than `right`; what is not a number is worse than any."""
        if math.isnan(left) or math.isnan(right):
            return not math.isnan(left)
        return left > right if self.kind is Kind.LIKENESS else left < right


def finding_count(story: Story, matches: Callable[[str, str], bool]) -> int:
    """How many findings that count (neither suppressed nor in the baseline) match by code and severity."""
    found = story.last_linted.diagnostics
    return sum(each.counts and matches(each.code, each.severity.value) for each in found)


def _estimate(name: str, unit: int = 1) -> Read:
    def read(story: Story) -> float | None:
        every = (r.cost.get("estimate") for r in reversed(story.results))
        found: Mapping[str, Any] = next((estimate for estimate in every if estimate), {})
        value = found.get(name)
        return float(value * unit) if isinstance(value, int | float) else None

    return read


def _cost(name: str, unit: int = 1) -> Read:
    def read(story: Story) -> float | None:
        found = next((r.cost for r in reversed(story.results) if "layers" in r.cost), {})
        value = found.get(name)
        return float(value * unit) if isinstance(value, int | float) else None

    return read


def _stages(count: Callable[[Mapping[str, Any]], float | None]) -> Read:
    """The sum over the stages that were built; None where none was, or one does not say."""

    def read(story: Story) -> float | None:
        parts = [count(stage) for stage in story.compiled_stages]
        known = [part for part in parts if part is not None]
        return float(sum(known)) if parts and len(known) == len(parts) else None

    return read


def _cycles(stage: Mapping[str, Any]) -> float | None:
    """The larger of memory and arithmetic of every layer."""
    layers = stage.get("layers")
    if not layers:
        return None
    return float(sum(max(layer.get("ddr_cycles") or 0, layer.get("npu_cycles") or 0) for layer in layers))


def _lost(stage: Mapping[str, Any]) -> float | None:
    return float(len(stage["no_lowering"])) if "no_lowering" in stage else None


def _really(device: Device) -> Read:
    def count(stage: Mapping[str, Any]) -> float | None:
        if "placement" not in stage:
            return None
        return float(sum(entry["real"] == device.value for entry in stage["placement"]))

    return _stages(count)


def _placed(*devices: Device) -> Read:
    def read(story: Story) -> float | None:
        if not story.placement and story.after.model.nodes != 0:
            return None
        return sum(node.device in devices for node in story.placement)

    return read


def _unknown_share(story: Story) -> float | None:
    left = [node for node in story.placement if node.device is not Device.FOLDED]
    if not story.placement and story.after.model.nodes != 0:
        return None
    return sum(node.device is Device.UNKNOWN for node in left) / len(left) if left else 0.0


def _proofs(outcome: str) -> Read:
    def read(story: Story) -> float | None:
        if not story.proofs and len(story.results) == 1 and not story.fixes.applied:
            return None  # nothing was changed that could be proved
        return sum(proof.outcome == outcome for proof in story.proofs)

    return read


def _verdict(story: Story) -> float | None:
    return None if story.after.error is not None else VERDICTS.index(story.after.verdict.value)


def _cosine(story: Story) -> float | None:
    """The worst output; not a number where one output has none, for its shapes or values do not compare."""
    outputs = (story.verify or {}).get("outputs", ())
    if any(entry.get("cosine") is None for entry in outputs):
        return math.nan
    return story.lowest_cosine


_ALL = (
    Measure("verdict", Kind.VERDICT, "the worst verdict that passes", counted=_verdict),
    Measure("no-kernel", Kind.COUNT, "nodes that the board refuses", _stages(_lost), counted=_placed(Device.NO_KERNEL)),
    Measure("cpu-nodes", Kind.COUNT, "nodes on the board's CPU", _really(Device.CPU), counted=_placed(Device.CPU)),
    Measure("host-nodes", Kind.COUNT, "nodes that were moved to the host", counted=_placed(Device.HOST)),
    Measure("unknown-share", Kind.SHARE, "nodes of which nobody knows where they run, of all", counted=_unknown_share),
    Measure("crossings", Kind.COUNT, "ways between NPU and CPU", _cost("crossings"), _estimate("crossings")),
    Measure("crossing-bytes", Kind.BYTES, "bytes that go these ways", None, _estimate("crossing_bytes")),
    Measure("layers", Kind.COUNT, "rows of the layer table", _cost("layers"), _estimate("layers")),
    Measure("macs", Kind.COUNT, "multiplications", None, _estimate("macs")),
    Measure("cycles", Kind.COUNT, "cycles of products on the NPU", _stages(_cycles), _estimate("cycles")),
    Measure("traffic", Kind.BYTES, "bytes read and written", _cost("rw_kb", 1024), _estimate("rw_kb", 1024)),
    Measure(
        "internal", Kind.BYTES, "memory of activations", _cost("internal_kb", 1024), _estimate("internal_kb", 1024)
    ),
    Measure("weights", Kind.BYTES, "memory of weights", _cost("weight_kb", 1024), _estimate("weight_kb", 1024)),
    Measure("size", Kind.BYTES, "bytes of the .rknn files", _stages(lambda stage: stage.get("size_bytes"))),
    Measure("cosine", Kind.LIKENESS, "the least likeness of an output", _cosine),
    Measure("proofs-skipped", Kind.COUNT, "proofs that could not be made", counted=_proofs("skipped")),
    Measure("proofs-refuted", Kind.COUNT, "proofs that failed", counted=_proofs("refuted")),
)

MEASURES: Mapping[str, Measure] = {measure.name: measure for measure in _ALL}
"""By name."""
