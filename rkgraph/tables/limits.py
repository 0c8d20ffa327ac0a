"""The closed set of limits that an operator may have. What is not here cannot be said in a table."""

from __future__ import annotations

from rkgraph.tables.limit import IsConstant, LimitKind, Scalar
from rkgraph.tables.node_limits import (
    AttributeIn,
    AttributeMatches,
    AttributePresence,
    AttributeRange,
    BlankOutput,
    Neighbour,
)
from rkgraph.tables.relation_limits import Arity, Axis, Broadcast, Opset, SameOperand
from rkgraph.tables.tensor_limits import (
    Batch,
    ConstantInput,
    ConstantRange,
    DimensionProduct,
    DimensionRange,
    Dtype,
    Elements,
    Presence,
    Rank,
    StaticShape,
)

__all__ = [
    "KINDS",
    "Arity",
    "AttributeIn",
    "AttributeMatches",
    "AttributePresence",
    "AttributeRange",
    "Axis",
    "Batch",
    "BlankOutput",
    "Broadcast",
    "ConstantInput",
    "ConstantRange",
    "DimensionProduct",
    "DimensionRange",
    "Dtype",
    "Elements",
    "IsConstant",
    "LimitKind",
    "Neighbour",
    "Opset",
    "Presence",
    "Rank",
    "SameOperand",
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
        Elements,
        Batch,
        StaticShape,
        ConstantInput,
        ConstantRange,
        Presence,
        AttributeIn,
        AttributeRange,
        AttributePresence,
        AttributeMatches,
        BlankOutput,
        Neighbour,
        Opset,
        Arity,
        Axis,
        Broadcast,
        SameOperand,
    )
}
"""Kind by its name in the table. Nothing else is a limit."""
