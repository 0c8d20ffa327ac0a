"""NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss, and how their definitions are written out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from rkgraph.probe.case import ABSENT, Case, case, computed, positions, weight

__all__ = ["cases"]

CLASSES = 11
REST = {0: (), 1: (7,), 2: (7, 9), 3: (2, 7, 9), 5: (2, 3, 2, 4, 3)}
"""Dimensions behind batch and classes, by their number."""


def cases() -> Iterator[Case]:
    """All cases of this file."""
    for op, (rest, shape), reduction, ignored in product(
        ("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"), REST.items(), ("none", "mean", "sum"), (None, -1, 4)
    ):
        if rest != 2 and (ignored is not None or reduction == "sum"):
            continue
        attributes = f'reduction = "{reduction}"' + ("" if ignored is None else f", ignore_index = {ignored}")
        data, target = computed(3, CLASSES, *shape), computed(3, *shape, dtype="int64")
        slug = f"d{rest},{reduction},{'all' if ignored is None else f'ignore{ignored}'}"
        yield case(op, slug, [data, target], attributes)
        if rest in (0, 2):
            yield case(op, f"{slug},weighted", [data, target, weight(CLASSES)], attributes)
            yield case(op, f"{slug},computed-weight", [data, target, computed(CLASSES)], attributes)
        if op == "SoftmaxCrossEntropyLoss" and ignored is None:
            yield case(op, f"{slug},log-prob", [data, target], attributes, outputs=2)
    x, target = computed(1, CLASSES, 7, 9), computed(1, 7, 9, dtype="int64")
    for op in ("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"):
        for opset in (12, 13, 19):
            yield case(op, f"opset{opset}", [x, target], opset=opset)
        yield from positions(op, "batch1", [x, target, ABSENT])
        yield case(op, "int32", [x, computed(1, 7, 9, dtype="int32")])
        yield case(op, "constant-target", [x, weight(1, 7, 9, dtype="int64")])
        for dtype in ("float16", "double"):
            yield case(op, dtype, [computed(1, CLASSES, 7, 9, dtype=dtype), target])
