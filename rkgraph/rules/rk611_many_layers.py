"""RK611: so many layers that starting them takes longer than computing them."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Confidence
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.workload import LAYER_MICROSECONDS, NPU_MACS, layers_of, macs_of


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for a model of many layers with little to compute in each."""
    count = len(layers_of(lint))
    starting, computing = count * LAYER_MICROSECONDS / 1000, macs_of(lint) / NPU_MACS / 1000
    if count < lint.settings["least"] or starting <= computing:
        return
    yield Finding(
        f"about {count} layers: starting them takes about {starting:.0f} ms a run, and multiplying {computing:.1f} ms; "
        "fewer and larger nodes help (fixed shapes, fused attention and norms, caches joined by the program), a faster "
        "NPU or more cores do not",
        observed={"layers": count, "starting_ms": round(starting, 1), "computing_ms": round(computing, 2)},
        limit={"layers": lint.settings["least"] - 1},
        confidence=Confidence.FIELD_REPORT,
    )
