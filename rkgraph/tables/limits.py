"""The closed set of limits that an operator may have. What is not here cannot be said in a table."""

from __future__ import annotations

from rkgraph.tables.limit import IsConstant, LimitKind, Scalar
from rkgraph.tables.node_limits import (
    AttributeIn,
    AttributeMatches,
    AttributePresence,
    AttributeRange,
    AttributeUniform,
    BlankOutput,
    Neighbour,
)
from rkgraph.tables.relation_limits import Arity, Axis, Broadcast, Opset, RankOrder, SameOperand, SameRank
from rkgraph.tables.shape_limits import (
    AxisSize,
    Divisible,
    Grouping,
    MergedOrder,
    Multiple,
    Ratio,
    Square,
    TrueRank,
    WindowOverhang,
)
from rkgraph.tables.tensor_limits import (
    Batch,
    DimensionProduct,
    DimensionRange,
    Dtype,
    Elements,
    Rank,
    StaticShape,
)
from rkgraph.tables.value_limits import ConstantIn, ConstantInput, ConstantRange, Presence

__all__ = [
    "KINDS",
    "Arity",
    "AttributeIn",
    "AttributeMatches",
    "AttributePresence",
    "AttributeRange",
    "AttributeUniform",
    "Axis",
    "AxisSize",
    "Batch",
    "BlankOutput",
    "Broadcast",
    "ConstantIn",
    "ConstantInput",
    "ConstantRange",
    "DimensionProduct",
    "DimensionRange",
    "Divisible",
    "Dtype",
    "Elements",
    "Grouping",
    "IsConstant",
    "LimitKind",
    "MergedOrder",
    "Multiple",
    "Neighbour",
    "Opset",
    "Presence",
    "Rank",
    "RankOrder",
    "Ratio",
    "SameOperand",
    "SameRank",
    "Scalar",
    "Square",
    "StaticShape",
    "TrueRank",
    "WindowOverhang",
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
        RankOrder,
        SameRank,
        Ratio,
        Square,
        AttributeUniform,
        ConstantIn,
        TrueRank,
        Multiple,
        MergedOrder,
        AxisSize,
        Divisible,
        Grouping,
        WindowOverhang,
    )
}
"""Kind by its name in the table. Nothing else is a limit."""
