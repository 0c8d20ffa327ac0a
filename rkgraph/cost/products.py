"""Convolutions and matrix products as the NPU's arithmetic sees them: padded multiplications.

Measured on the layer tables of 5,800 such layers (rknn-toolkit2 2.3.2 and 2.5.0, fp16): the compiler's `npu_cycles` are
the multiplications with input channels filled up to 32, output channels to 16 and pixels to 16, divided by what the
array does in a cycle; depthwise convolutions work on 64 channels at an eighth of that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from rkgraph.graph.view import GraphView, Node
from rkgraph.records import Record

__all__ = ["PRODUCTS", "padded_multiplications"]

_Shape = tuple[int, ...]


def padded_multiplications(graph: GraphView, node: Node) -> float:
    """Multiplications with everything filled up; 0 for what is no product. All shapes must be known."""
    count = PRODUCTS.get(node.op)
    if count is None or len(node.inputs) < 2:
        return 0.0
    factors = _Factors(*(_shape(graph, name) for name in (node.inputs[0], node.inputs[1], node.outputs[0])))
    return count(node, factors) if factors.left and factors.right and factors.made else 0.0


class _Factors(Record):
    """Shapes of both factors and of the product."""

    left: _Shape
    right: _Shape
    made: _Shape


def _shape(graph: GraphView, name: str) -> _Shape:
    return tuple(size if isinstance(size, int) else 1 for size in graph.value(name).shape or ())


def _filled(size: int, unit: int) -> int:
    return -(-size // unit) * unit


def _dense(channels: int, features: int, pixels: int) -> float:
    return float(_filled(channels, 32) * _filled(features, 16) * _filled(pixels, 16))


def _convolution(node: Node, factors: _Factors) -> float:
    left, right, made = factors.left, factors.right, factors.made
    if len(left) < 3 or len(right) < 3 or len(made) < 3:
        return 0.0
    groups = node.attributes.get("group", 1)
    pixels, kernel = math.prod(made[2:]), math.prod(right[2:])
    if isinstance(groups, int) and groups > 1 and groups == left[1]:
        return float(made[0] * kernel * _filled(left[1], 64) * 8 * _filled(pixels, 16))
    channels = left[1] if node.op == "ConvTranspose" else right[1]
    return made[0] * kernel * _dense(channels, made[1], pixels)


def _product(_node: Node, factors: _Factors) -> float:
    left, right, made = factors.left, factors.right, factors.made
    if len(right) <= 2:  # one product, whatever the rank of what is multiplied
        return _dense(left[-1], made[-1] if len(right) > 1 else 1, math.prod(left[:-1]))
    return math.prod(made[:-2]) * _dense(left[-1], made[-1], made[-2] if len(made) > 1 else 1)


def _gemm(_node: Node, factors: _Factors) -> float:
    inner = math.prod(factors.left) // max(1, factors.made[0])
    return _dense(inner, factors.made[-1], factors.made[0])


PRODUCTS: Mapping[str, Callable[[Node, _Factors], float]] = {
    "Conv": _convolution,
    "ConvTranspose": _convolution,
    "Gemm": _gemm,
    "MatMul": _product,
}
