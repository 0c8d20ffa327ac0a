"""The closed set of limits that an operator may have. What is not here cannot be said in a table."""

from __future__ import annotations

from rkgraph.tables.limit import IsConstant, LimitKind, Scalar
from rkgraph.tables.node_limits import AttributeIn, AttributePresence, AttributeRange, Neighbour
from rkgraph.tables.tensor_limits import (
    Batch,
    ConstantInput,
    ConstantRange,
    DimensionProduct,
    DimensionRange,
    Dtype,
    Presence,
    Rank,
    StaticShape,
)

__all__ = [
    "KINDS",
    "AttributeIn",
    "AttributePresence",
    "AttributeRange",
    "Batch",
    "ConstantInput",
    "ConstantRange",
    "DimensionProduct",
    "DimensionRange",
    "Dtype",
    "IsConstant",
    "LimitKind",
    "Neighbour",
    "Presence",
    "Rank",
    "Scalar",
    "StaticShape",
]

KINDS: dict[str, type[LimitKind]] = {
    kind.kind: kind
    for kind in (
        Dtype,
        Rank,
        DimensionRange,
        DimensionProduct,
        Batch,
        StaticShape,
        ConstantInput,
        ConstantRange,
        Presence,
        AttributeIn,
        AttributeRange,
        AttributePresence,
        Neighbour,
    )
}
"""Kind by its name in the table. Nothing else is a limit."""
