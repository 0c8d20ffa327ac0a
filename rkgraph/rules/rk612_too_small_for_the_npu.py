"""RK612: a model so small that the NPU's own cost is larger than what it computes."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Confidence
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.workload import LAYER_MICROSECONDS, layers_of, macs_of


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for a whole network with hardly a multiplication in it; of a few nodes nothing is said."""
    count, macs = len(layers_of(lint)), macs_of(lint)
    is_known = all(lint.model.main.value(name).is_static for name in lint.model.main.inputs)
    if not is_known or count < lint.settings["least_layers"] or not 0 < macs <= lint.settings["most_macs"]:
        return
    yield Finding(
        f"{macs / 1e6:.2f} million multiplications in about {count} layers, which take about "
        f"{count * LAYER_MICROSECONDS / 1000:.1f} ms to start: a CPU core of the board may be faster; measure both",
        observed={"macs": int(macs), "layers": count},
        limit={"macs": lint.settings["most_macs"]},
        confidence=Confidence.FIELD_REPORT,
    )
