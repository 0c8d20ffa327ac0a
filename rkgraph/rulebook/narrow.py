"""Whole numbers of dtypes that neither the compiler nor the board computes with, carried in int32 or int64.

int8, uint8, int16, uint16 fit into int32, uint32 into int64, and so do uint64, as the int64 of the same bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkgraph.analysis.intervals import DTYPE_RANGES
from rkgraph.rulebook import whole_numbers as whole
from rkgraph.rulebook.whole_operators import BITS

if TYPE_CHECKING:
    from rkgraph.analysis.intervals import Interval
    from rkgraph.graph.view import GraphView
    from rkgraph.rulebook.writer import Writer

__all__ = ["NARROW", "carried", "carrier_of", "holds", "wrap"]

NARROW = frozenset(BITS) - {"int32", "int64"}
"""Dtypes of whole numbers with few operators or none."""


def carrier_of(dtype: str) -> str:
    """The dtype that carries numbers of `dtype`."""
    return "int64" if dtype in ("uint32", "uint64", "int64") else "int32"


def holds(dtype: str, interval: Interval) -> bool:
    """Whether all numbers of an interval are numbers of `dtype`, but for what is behind the point.

    NaN does not count: what a Cast to whole numbers makes of it is left open by ONNX.
    """
    low, high = DTYPE_RANGES[dtype]
    return low - 1 < interval.low and interval.high < high + 1


def carried(w: Writer, graph: GraphView, name: str, carrier: str) -> str:
    """The value `name` of `graph` in the dtype `carrier`; a small constant is written in it."""
    constant = graph.constant(name)
    if constant is None:
        return w.cast(name, carrier)
    import numpy as np

    numbers = np.array(constant.values, constant.dtype).astype(carrier)
    return w.constant(numbers.reshape(constant.shape), carrier, "carried")


def wrap(w: Writer, x: str, carrier: str, dtype: str) -> str:
    """`x`, a value of `carrier`, modulo the numbers of `dtype`: what a Cast to it does."""
    if BITS[dtype] >= BITS[carrier]:
        return x
    return whole.wrapped(w, x, carrier, BITS[dtype], signed=not dtype.startswith("u"))
