"""Operators on quantized tensors: scales and zero points of a tensor and of a channel."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchmarks.drawn.case import Array, Case, Draw, Family, outputs

__all__ = ["FAMILIES"]

BYTES = ("uint8", "int8")


def _scale(draw: Draw, low: float = 0.01, high: float = 0.1) -> Array:
    return draw.array((), low=low, high=high)


def _zero(draw: Draw, dtype: str) -> Array:
    return np.array(draw.whole(0, 5) + (120 if dtype == "uint8" else 0), dtype)


def _qlinear_conv(draw: Draw) -> Case:
    dtype, group = draw.one(BYTES), draw.one((1, 2))
    weight_type, filters = draw.one((dtype, "int8")), 3 * group
    weight_shape: tuple[int, ...] = draw.one(((), (filters,)))
    inputs = [
        draw.array((1, 2 * group, 7, 8), dtype, 0, 127 if dtype == "int8" else 255),
        _scale(draw),
        _zero(draw, dtype),
        draw.array((filters, 2, 3, 3), weight_type, 0, 100),
        draw.array(weight_shape, low=0.01, high=0.1),
        np.zeros(weight_shape, weight_type),
        _scale(draw, 0.5, 1),
        _zero(draw, dtype),
        draw.array((filters,), "int32"),
    ]
    attributes = {"group": group, "pads": [1, 0, 1, 1], "strides": [draw.whole(1, 2)] * 2}
    return Case("QLinearConv", inputs, attributes, 13, range(1, 9))


def _qlinear_matmul(draw: Draw) -> Case:
    dtype = draw.one(BYTES)
    a = draw.array((*draw.shape(draw.one((0, 1))), 4, 6), dtype, 0, 127)
    b = draw.array((6, 5), dtype, 0, 127)
    inputs = [a, _scale(draw), _zero(draw, dtype), b, _scale(draw), _zero(draw, dtype)]
    inputs += [_scale(draw, 0.2, 0.6), _zero(draw, dtype)]
    weights = [3] if draw.maybe(0.5) else []
    return Case("QLinearMatMul", inputs, {}, 10, [1, 2, 4, 5, 6, 7, *weights])


def _matmul_integer(draw: Draw) -> Case:
    a_type, b_type = draw.one(BYTES), draw.one(BYTES)
    a = draw.array((*draw.shape(draw.whole(0, 2)), 4, 6), a_type)
    inputs = [a, draw.array((6, 5), b_type), _zero(draw, a_type), _zero(draw, b_type)][: draw.one((2, 3, 4))]
    return Case("MatMulInteger", inputs, {}, 10, [2, 3, *draw.second_constant(0.5)])


def _conv_integer(draw: Draw) -> Case:
    x, w = draw.array((1, 2, 6, 7), "uint8", 0, 255), draw.array((3, 2, 3, 3), "uint8", 0, 255)
    inputs = [x, w, _zero(draw, "uint8")][: draw.one((2, 3))]
    return Case("ConvInteger", inputs, {"pads": [1, 1, 0, 1]}, 10, [1, 2])


def _linear(draw: Draw) -> Case:
    """QuantizeLinear and DequantizeLinear, of a tensor and of a channel."""
    op, shape = draw.one(("QuantizeLinear", "DequantizeLinear")), draw.shape(draw.whole(1, 5), 2, 6)
    axis, by_channel = draw.whole(0, len(shape) - 1), draw.maybe(0.5)
    scale = draw.array((shape[axis],), low=0.02, high=0.2) if by_channel else _scale(draw)
    dtype = draw.one(BYTES)
    zero = draw.array(scale.shape, dtype, 0, 100) if draw.maybe(0.6) else None
    x = draw.array(shape) if op == "QuantizeLinear" else draw.array(shape, "uint8" if zero is None else dtype)
    return Case(op, [x, scale, zero], {"axis": axis} if by_channel else {}, 13, [1, 2])


def _dynamic(draw: Draw) -> Case:
    return Case("DynamicQuantizeLinear", [draw.array(draw.shape(draw.whole(1, 5), 2, 6))], {}, 11, outputs=outputs(3))


OPERATORS: tuple[Family, ...] = (
    *(_qlinear_conv, _qlinear_matmul, _matmul_integer, _conv_integer),
    *(_linear, _linear),  # two operators
    _dynamic,
)


def quantized(draw: Draw) -> Case:
    """One of the seven operators."""
    return draw.one(OPERATORS)(draw)


FAMILIES: Mapping[str, Family] = {"Quantized": quantized}
