"""What runs along axes: reductions, argmax, top-k, softmax, norms of vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.drawn.case import FLOAT, Case, Draw, Family, int64, outputs

__all__ = ["FAMILIES"]

REDUCTIONS = ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")


def reduce(draw: Draw) -> Case:
    """One of the ten reductions, of several axes or all, given as attribute, as input or not at all."""
    kind, rank, opset = draw.one(REDUCTIONS), draw.whole(1, 6), draw.one((11, 13, 17, 18, 20))
    bytes_too = ("uint8", "int8") if kind in {"Max", "Min"} else ()
    dtype = draw.one((FLOAT, FLOAT, "int32", "int64", "float64", "float16", *bytes_too))
    x = draw.array(draw.shape(rank, 1, 6), dtype, *_domain(kind, dtype))
    axes = [axis - rank if draw.maybe(0.3) else axis for axis in sorted(draw.some(range(rank), least=1))]
    attributes: dict[str, Any] = {"keepdims": draw.one((0, 1))}
    if opset >= 18 or (kind == "Sum" and opset >= 13):
        return Case(f"Reduce{kind}", [x, int64(*axes)], attributes, opset, [1])
    if draw.maybe(0.85):
        attributes["axes"] = axes
    return Case(f"Reduce{kind}", [x], attributes, opset)


def _domain(kind: str, dtype: str) -> tuple[float | None, float | None]:
    """Values whose reduction is finite."""
    floats = np.dtype(dtype).kind == "f"
    if kind == "LogSum":
        return (0.1, 3) if floats else (1, 50)
    if kind == "LogSumExp" and not floats:
        return 0, 8
    if kind == "Prod":
        return (-2, 2) if floats else (-2, 3)
    return None, None


def arg(draw: Draw) -> Case:
    """ArgMax and ArgMin, of integers with ties."""
    rank = draw.whole(1, 5)
    dtype = draw.one((FLOAT, FLOAT, "int32", "int8", "uint8", "float16", "float64", "int64"))
    attributes = {
        "axis": draw.axis(rank),
        "keepdims": draw.one((0, 1)),
        "select_last_index": draw.one((0, 1)),
    }
    x = draw.array(draw.shape(rank), dtype, -3, 4)
    return Case(draw.one(("ArgMax", "ArgMin")), [x], attributes, draw.one((12, 13)))


def top_k(draw: Draw) -> Case:
    """TopK without ties; unsorted only of one, as nothing says in which order more of them come."""
    rank, opset = draw.whole(1, 5), draw.one((10, 11, 13))
    shape, axis = draw.shape(rank, 2, 9), draw.axis(rank)
    count, attributes, dtype = draw.whole(1, shape[axis]), {"axis": axis}, FLOAT
    if opset > 10:
        attributes |= {"largest": draw.one((0, 1)), "sorted": draw.one((1, 1, 0))}
        dtype = draw.one((FLOAT, FLOAT, FLOAT, "int32", "int64", "float64"))
    x = draw.array(shape, dtype)
    if x.dtype.kind == "i":
        x = draw.numbers.permutation(x.size).reshape(shape).astype(dtype)
    count = count if attributes.get("sorted", 1) else 1
    return Case("TopK", [x, int64(count)], attributes, opset, [1], outputs(2))


def softmax(draw: Draw) -> Case:
    """Softmax, LogSoftmax and Hardmax, of one axis and, before opset 13, of all from one axis on."""
    rank = draw.whole(1, 6)
    x = draw.array(draw.shape(rank, 1, 6), draw.one((FLOAT, FLOAT, "float64", "float16")))
    attributes = {"axis": draw.axis(rank)} if draw.maybe(0.8) else {}
    return Case(draw.one(("Softmax", "LogSoftmax", "Hardmax")), [x], attributes, draw.one((9, 11, 12, 13, 17)))


def lp_normalization(draw: Draw) -> Case:
    """LpNormalization."""
    rank = draw.whole(1, 5)
    x = draw.array(draw.shape(rank, 2, 7), draw.one((FLOAT, FLOAT, FLOAT, "float16", "float64")))
    return Case("LpNormalization", [x], {"axis": draw.axis(rank), "p": draw.one((1, 2))}, 13)


FAMILIES: Mapping[str, Family] = {
    "Reduce": reduce,
    "Arg": arg,
    "TopK": top_k,
    "Softmax": softmax,
    "LpNormalization": lp_normalization,
}
