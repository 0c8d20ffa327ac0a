"""Bytes of values as the target holds them: floats in its precision, everything else as it is."""

from __future__ import annotations

import math
from collections.abc import Mapping

from rkgraph.graph.view import GraphView

__all__ = ["Sizes", "float_bytes"]

_BITS: Mapping[str, int] = {
    "bool": 8, "int8": 8, "uint8": 8, "int16": 16, "uint16": 16, "int32": 32, "uint32": 32, "int64": 64, "uint64": 64,
    "int4": 4, "uint4": 4,
}  # fmt: skip

_FLOATS = frozenset({"float16", "float32", "float64", "bfloat16"})
_WEIGHT_BITS: Mapping[str, int] = {"w8a8": 8, "w8a16": 8, "w4a16": 4}
_VALUE_BITS: Mapping[str, int] = {"w8a8": 8}


def float_bytes(precision: str, *, weight: bool = False) -> float:
    """Bytes of a number that the model computes with: 2, or less where the precision quantizes it."""
    return (_WEIGHT_BITS if weight else _VALUE_BITS).get(precision, 16) / 8


class Sizes:
    """Bytes of the values of one graph, each computed once; None where dtype or a dimension is not known."""

    def __init__(self, graph: GraphView, precision: str) -> None:
        self._graph = graph
        self._float = float_bytes(precision)
        self._weight = float_bytes(precision, weight=True)
        self._known: dict[str, float | None] = {}

    def of(self, name: str) -> float | None:
        """Bytes of the value called `name`."""
        if name not in self._known:
            self._known[name] = self._computed(name)
        return self._known[name]

    def _computed(self, name: str) -> float | None:
        value = self._graph.value(name)
        if value.shape is None or value.dtype is None:
            return None
        elements = 1
        for size in value.shape:
            if not isinstance(size, int):
                return None
            elements *= size
        if value.dtype in _FLOATS:
            return elements * (self._weight if value.kind == "initializer" else self._float)
        bits = _BITS.get(value.dtype)
        return None if bits is None else math.ceil(elements * bits / 8)
