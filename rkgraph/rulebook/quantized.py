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

__all__ = ["LIMITS", "Quantized", "along", "dequantize", "element_count", "static_shape"]

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
