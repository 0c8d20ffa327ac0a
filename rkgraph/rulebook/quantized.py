"""Quantised numbers as the floats that they stand for: (q − zero point) · scale.

Source: https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html. A scale or zero point has one element, or one for
each place along an axis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView
    from rkgraph.rulebook.writer import Writer

__all__ = [
    "LIMITS",
    "Quantized",
    "along",
    "dequantize",
    "element_count",
    "quantize",
    "real_values",
    "static_shape",
    "whole_values",
    "zero_dtype",
]

_SCALES_BY_AXIS = 13  # the opset from which DequantizeLinear has an axis

LIMITS = {"uint8": (0, 255), "int8": (-128, 127), "uint16": (0, 65535), "int16": (-32768, 32767)}
"""Smallest and largest number of the dtypes that activations are quantised to."""


@dataclass(frozen=True)
class Quantized:
    """Names of a quantised tensor, its scale, and its zero point ("": 0). `axis`: of scales of several elements."""

    numbers: str
    scale: str
    zero: str = ""
    axis: int | None = None


def static_shape(graph: GraphView, name: str) -> tuple[int, ...] | None:
    """The shape of a value; None where a dimension or the rank is unknown."""
    shape = graph.value(name).shape
    if shape is None or not all(isinstance(size, int) for size in shape):
        return None
    return tuple(size for size in shape if isinstance(size, int))


def element_count(graph: GraphView, name: str) -> int | None:
    """How many elements a value has; None where its shape is unknown."""
    shape = static_shape(graph, name)
    return None if shape is None else math.prod(shape)


def along(graph: GraphView, writer: Writer, name: str, axis: int | None, rank: int) -> str:
    """`name`, one element or one a place of `axis`, so that it broadcasts to a tensor of `rank` dimensions.

    Raises:
        ValueError: it has several elements and no axis, or its shape is unknown.
    """
    count, shape = element_count(graph, name), static_shape(graph, name)
    if count is None or (count > 1 and axis is None):
        raise ValueError(f"how {name} belongs to what it scales is unknown")
    if shape == () or rank == 0:
        return name if shape == () else writer.reshape(name, ())
    if count == 1:
        return name if shape == (1,) else writer.reshape(name, (1,))
    place = (axis or 0) % rank
    if place == rank - 1 and shape == (count,):
        return name
    return writer.reshape(name, [count if index == place else 1 for index in range(rank)])


def dequantize(graph: GraphView, writer: Writer, tensor: Quantized, dtype: str) -> str:
    """Record the floats of `tensor`, of numpy dtype `dtype`.

    Raises:
        ValueError: the rank, or the shape of scale or zero point is unknown.
    """
    shape = graph.value(tensor.numbers).shape
    if shape is None:
        raise ValueError(f"the rank of {tensor.numbers} is unknown")
    numbers = writer.cast(tensor.numbers, dtype)
    zero = graph.constant(tensor.zero) if tensor.zero else None
    if tensor.zero and not (zero is not None and not any(zero.values)):
        numbers = writer.op(
            "Sub", numbers, writer.cast(along(graph, writer, tensor.zero, tensor.axis, len(shape)), dtype)
        )
    return writer.op("Mul", numbers, along(graph, writer, tensor.scale, tensor.axis, len(shape)))


def zero_dtype(graph: GraphView, zero: str, default: str = "uint8") -> str | None:
    """The dtype that a zero point stands for (`default` where there is none); None for one that is no whole number."""
    dtype = graph.value(zero).dtype if zero else default
    return dtype if dtype in LIMITS or dtype == "int32" else None


def quantize(graph: GraphView, writer: Writer, x: str, tensor: Quantized, rank: int) -> str:
    """Record `x`, of `rank` dimensions, rounded to steps of the scale: round half to even, shift, saturate, cast.

    `tensor.numbers` is the value that is to be replaced; its scale and zero point are used, and its dtype.

    Raises:
        ValueError: the dtype of the zero point, or the shape of scale or zero point is unknown.
    """
    dtype = zero_dtype(graph, tensor.zero, graph.value(tensor.numbers).dtype or "uint8")
    real = graph.value(tensor.scale).dtype or "float32"
    if dtype not in LIMITS:
        raise ValueError(f"{tensor.numbers} is no 8- or 16-bit whole number")
    low, high = LIMITS[dtype]
    numbers = writer.op("Round", writer.op("Div", x, along(graph, writer, tensor.scale, tensor.axis, rank)))
    if tensor.zero:
        numbers = writer.op("Add", numbers, writer.cast(along(graph, writer, tensor.zero, tensor.axis, rank), real))
    return writer.cast(writer.clip(numbers, real, low, high), dtype)


def real_values(graph: GraphView, writer: Writer, tensor: Quantized) -> str:
    """The floats of an activation or of weights: by DequantizeLinear where scale and zero point are constants.

    Compilers make an int8 layer of what lies between such conversions, and know no other form of it.

    Raises:
        ValueError: as `dequantize`.
    """
    dtype, rank = graph.value(tensor.numbers).dtype, len(graph.value(tensor.numbers).shape or ())
    parts = _constant_parts(graph, writer, tensor, dtype)
    if parts is not None:
        return writer.op("DequantizeLinear", tensor.numbers, *parts)
    given = (tensor.scale, *((tensor.zero,) if tensor.zero else ()))
    counts = {element_count(graph, name) for name in given}
    by_axis = tensor.axis is not None and rank and len(counts) == 1 and None not in counts
    if not by_axis or writer.opset < _SCALES_BY_AXIS or dtype is None or not all(map(graph.is_constant, given)):
        return dequantize(graph, writer, tensor, "float32")
    each = [along(graph, writer, name, 0, 1) for name in given]
    if len(each) == 1:
        each.append(writer.constant([0] * (counts.pop() or 0), dtype, "zero"))
    return writer.op("DequantizeLinear", tensor.numbers, *each, axis=(tensor.axis or 0) % rank)


def whole_values(graph: GraphView, writer: Writer, x: str, tensor: Quantized) -> str:
    """`x` quantised with the one scale of `tensor`: by QuantizeLinear where that is constant, else by arithmetic.

    Raises:
        ValueError: as `quantize`.
    """
    dtype = zero_dtype(graph, tensor.zero, graph.value(tensor.numbers).dtype or "uint8")
    parts = _constant_parts(graph, writer, tensor, dtype)
    return quantize(graph, writer, x, tensor, 1) if parts is None else writer.op("QuantizeLinear", x, *parts)


def _constant_parts(graph: GraphView, writer: Writer, tensor: Quantized, dtype: str | None) -> tuple[str, str] | None:
    """Scale and zero point as scalars, where they are constants of one element; else None."""
    given = (tensor.scale, *((tensor.zero,) if tensor.zero else ()))
    if dtype is None or not all(graph.is_constant(name) and element_count(graph, name) == 1 for name in given):
        return None
    zero = along(graph, writer, tensor.zero, None, 0) if tensor.zero else writer.constant(0, dtype, "zero")
    return along(graph, writer, tensor.scale, None, 0), zero
