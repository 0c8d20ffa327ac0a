"""`results[].cost.estimate`: what lint says a model costs.

Nothing is guessed: what needs a shape that is not known is None.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from rkgraph.cost.crossings import Crossings
from rkgraph.cost.features import Features, read_features
from rkgraph.cost.fits import FITTED, fit_of
from rkgraph.cost.gains import Claim, causes
from rkgraph.cost.sizes import Sizes
from rkgraph.diagnostics import Device
from rkgraph.records import Record
from rkgraph.results import Cause, Opportunity, PlacedNode
from rkgraph.rulebook.rule import LintContext
from rkgraph.targets import Target

__all__ = ["Costs", "costs_of", "estimate"]


class Costs(Record):
    """The estimate as the report has it, and what to mend first."""

    estimate: dict[str, Any]
    causes: tuple[Cause, ...]
    opportunities: tuple[Opportunity, ...]


def costs_of(context: LintContext, placement: Iterable[PlacedNode], claims: Sequence[Claim]) -> Costs:
    """What the model costs where its nodes are placed like this, and what removing its causes would buy.

    Args:
        context: what was linted.
        placement: of all its nodes; those of the main graph count.
        claims: all findings, in the order of the report.
    """
    graph = context.model.main
    placed = [node for node in placement if node.graph == "main"]
    devices = {node.index: node.device for node in placed}
    sizes = Sizes(graph, context.target.precision)
    features = read_features(graph, context.live_nodes(graph), devices, sizes)
    crossings = Crossings(graph, devices, sizes)
    return Costs(estimate(context.target, features, placed, crossings), *causes(context, placed, claims, crossings))


def estimate(target: Target, features: Features, placed: Sequence[PlacedNode], crossings: Crossings) -> dict[str, Any]:
    """Plain data, under the schema's "estimate"; bytes and counts are whole."""
    places = Counter(node.device for node in placed)
    return {
        "macs": _whole(features.macs),
        "weight_bytes": _whole(features.weights),
        "activation_bytes": _whole(features.activations),
        "peak_bytes": _whole(features.peak),
        "cpu_nodes": places[Device.CPU],
        "no_kernel": places[Device.NO_KERNEL],
        "unknown": places[Device.UNKNOWN],
        "crossings": len(crossings.values),
        "crossing_bytes": _whole(crossings.bytes),
        "unshaped": features.unshaped,
        **_fitted(target, features),
    }


def _fitted(target: Target, features: Features) -> dict[str, Any]:
    fit = fit_of(target)
    if fit is None or not features.known:
        return {**dict.fromkeys(FITTED), "fit": None}
    own = fit.target
    return {
        **{name: round(value) for name, value in fit.estimate(features).items()},
        "fit": {
            "platform": own.platform,
            "toolkit": own.toolkit,
            "precision": own.precision,
            "models": fit.models,
            "exact": own == target,
            "errors": fit.errors,
        },
    }


def _whole(number: float | None) -> int | None:
    return None if number is None else round(number)
