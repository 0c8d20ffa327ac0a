"""What a model costs: the estimate with its error, beside the compiler's own numbers where there are some."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rkgraph.report.story import Story

__all__ = ["CostRow", "costs_of"]

_ROWS = (
    ("multiplications", "macs", ""),
    ("layers", "layers", "layers"),
    ("NPU cycles", "cycles", "npu_cycles"),
    ("KB read and written", "rw_kb", "rw_kb"),
    ("KB of working memory", "internal_kb", "internal_kb"),
    ("KB of weights", "weight_kb", "weight_kb"),
    ("crossings between NPU and CPU", "crossings", "crossings"),
    ("bytes that cross", "crossing_bytes", ""),
)
"""What is shown, the key in `Result.cost["estimate"]`, and the compiler's in `Result.cost`."""


@dataclass(frozen=True)
class CostRow:
    """One quantity. `median` and `p90` are factors by which estimates were off on the models of the fit."""

    what: str
    estimate: float
    median: float | None = None
    p90: float | None = None
    compiler: float | None = None


def costs_of(story: Story) -> tuple[CostRow, ...]:
    """The rows of the last result with an estimate; none where there is none."""
    cost: Mapping[str, Any] = next((r.cost for r in reversed(story.results) if r.cost.get("estimate")), {})
    estimate = cost.get("estimate", {})
    errors = (estimate.get("fit") or {}).get("errors", {})
    return tuple(
        CostRow(
            what,
            estimate[key],
            errors.get(key, {}).get("median"),
            errors.get(key, {}).get("p90"),
            _number(cost.get(own)),
        )
        for what, key, own in _ROWS
        if _number(estimate.get(key)) is not None
    )


def _number(value: Any) -> float | None:
    return value if isinstance(value, (int, float)) else None
