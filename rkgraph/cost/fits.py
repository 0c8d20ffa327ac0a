"""What was fitted on layer tables of real builds (`op_tables/cost.json`), and how far off it is.

`python -m rkgraph.induction.cost_fit` makes the file from the evidence beside it (`op_tables/evidence/cost.jsonl`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache

from rkgraph.cost.features import Features, Product
from rkgraph.records import Record
from rkgraph.resources import data_folder
from rkgraph.targets import Target

__all__ = ["FITTED", "Fit", "fit_of", "load_fits"]

FITTED = ("layers", "cycles", "rw_kb", "internal_kb", "weight_kb")
"""The numbers that a fit gives."""


class Fit(Record):
    """Coefficients of one target.

    Attributes:
        target: what was built for.
        models: how many builds they come from.
        layers: rows of the layer table for a node of a class; `reads`: traffic for a byte that it reads. A class that
            is not there counts 1.
        macs_per_cycle, bytes_per_cycle: of products; `computed`: how much products of two computed values count.
        internal: memory for a byte at the peak; `weight`, `table`: for a byte of weights, and besides for one that the
            CPU reads.
        errors: by number, the ratio to a build that the fit did not see: "median", and "p90", that 90 % keep.
    """

    target: Target
    models: int
    layers: Mapping[str, float]
    reads: Mapping[str, float]
    macs_per_cycle: float
    bytes_per_cycle: float
    computed: float
    internal: float
    weight: float
    table: float
    errors: Mapping[str, Mapping[str, float]]

    def estimate(self, features: Features) -> dict[str, float]:
        """The fitted numbers of a model whose shapes are all known."""
        layers = features.interface + sum(self.layers.get(kind, 1.0) * n for kind, n in features.counts.items())
        read = sum(self.reads.get(kind, 1.0) * size for kind, size in features.reads.items())
        return {
            "layers": layers,
            "cycles": sum(map(self.cycles, features.products)),
            "rw_kb": read / 1024,
            "internal_kb": self.internal * (features.peak or 0.0) / 1024,
            "weight_kb": (self.weight * (features.weights or 0.0) + self.table * features.tables) / 1024,
        }

    def cycles(self, product: Product) -> float:
        """The larger of memory and arithmetic, in cycles of the NPU."""
        time = max(product.moved / self.bytes_per_cycle, product.padded / self.macs_per_cycle)
        return time if product.constant else self.computed * time


@lru_cache(maxsize=1)
def load_fits() -> tuple[Fit, ...]:
    """All fits, as shipped."""
    document = json.loads((data_folder("op_tables") / "cost.json").read_bytes())
    return tuple(Fit(**{**each, "target": Target(**each["target"])}) for each in document["fits"])


def fit_of(target: Target) -> Fit | None:
    """The fit of a target, or that of the most similar one: same precision first, then platform, then toolkit."""

    def alike(fit: Fit) -> tuple[bool, bool, bool]:
        own = fit.target
        return own.precision == target.precision, own.platform == target.platform, own.toolkit == target.toolkit

    return max(load_fits(), key=alike, default=None)
