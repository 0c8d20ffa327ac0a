"""Evidence behind the cost estimate: what lint reads from a model, beside the totals of a real build of it.

One line of `op_tables/evidence/cost.jsonl` for each model and target; `benchmarks/measure_cost.py` writes it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rkgraph.cost.features import Features, Product
from rkgraph.resources import data_folder
from rkgraph.targets import Target

__all__ = ["Measured", "evidence_file", "read_evidence", "to_line"]


@dataclass(frozen=True)
class Measured:
    """One build: `totals` has `layers`, `cycles`, `rw_kb`, `internal_kb` and `weight_kb` as the compiler says."""

    model: str
    target: Target
    features: Features
    totals: Mapping[str, float]

    @property
    def architecture(self) -> str:
        """The model without the way in which it was exported: exports of one architecture are much alike."""
        return self.model.partition("__")[0]


def evidence_file() -> Path:
    """Where the evidence lies."""
    return data_folder("op_tables") / "evidence" / "cost.jsonl"


def read_evidence(path: Path) -> tuple[Measured, ...]:
    """All lines of a file."""
    return tuple(_measured(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines())


def to_line(measured: Measured) -> str:
    """A line of the file: counts, bytes and products sorted, equal products counted."""
    features, target = measured.features, measured.target
    products = Counter((each.moved, each.padded, each.constant) for each in features.products)
    return json.dumps(
        {
            "model": measured.model,
            "target": [target.platform, target.toolkit, target.precision],
            "counts": dict(sorted(features.counts.items())),
            "reads": dict(sorted(features.reads.items())),
            "products": [
                [n, round(moved), round(padded), int(fixed)] for (moved, padded, fixed), n in sorted(products.items())
            ],
            "peak": features.peak,
            "weights": features.weights,
            "tables": features.tables,
            "interface": features.interface,
            "totals": dict(measured.totals),
        },
        separators=(",", ":"),
    )


def _measured(row: Mapping[str, Any]) -> Measured:
    features = Features(
        counts=Counter(row["counts"]),
        reads=Counter(row["reads"]),
        products=[Product(moved, padded, bool(fixed)) for n, moved, padded, fixed in row["products"] for _ in range(n)],
        peak=row["peak"],
        weights=row["weights"],
        tables=row["tables"],
        interface=row["interface"],
    )
    return Measured(row["model"], Target(*row["target"]), features, row["totals"])
