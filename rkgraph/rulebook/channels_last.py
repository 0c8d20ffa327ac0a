"""ONNX Runtime's operators of images with their channels last, as standard ones between two Transposes.

Source: ONNX Runtime, docs/ContribOperators.md. It has no kernel of them on a CPU: they are made for diffusion models
on graphics cards. Transposes that meet cancel out (RK415).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rkgraph.rulebook.fused import NotUnfused, input_of, real_dtype
from rkgraph.rulebook.normalising import normalised, per_channel
from rkgraph.rulebook.quantized import static_shape

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.writer import Writer

__all__ = ["channels_first", "channels_last", "convolution_weights", "group_norm", "skip_group_norm"]


def channels_first(writer: Writer, x: str, rank: int) -> str:
    """(N, …, C) → (N, C, …)."""
    return writer.transpose(x, (0, rank - 1, *range(1, rank - 1)))


def channels_last(writer: Writer, x: str, rank: int) -> str:
    """(N, C, …) → (N, …, C)."""
    return writer.transpose(x, (0, *range(2, rank), 1))


def group_norm(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    """GroupNorm: x, gamma, beta."""
    shape = _image(graph, node)
    return {node.outputs[0]: _normed(graph, node, writer, node.inputs[0], shape)}


def skip_group_norm(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    """SkipGroupNorm: x, gamma, beta, skip, bias; output 1 is the sum of x, skip and bias."""
    shape, skip, bias = _image(graph, node), node.inputs[3], input_of(node, 4)
    if not node.attributes.get("channels_last", 1):
        raise NotUnfused(f"{node.label} has its channels first, and where they are in {skip} is not said")
    given, (batch, *_, channels) = static_shape(graph, skip), shape
    if given == (batch, channels):
        skip = writer.reshape(skip, (batch, 1, 1, channels))
    elif given not in (shape, (batch, 1, 1, channels)):
        raise NotUnfused(f"{skip} is {given}, where {shape} is normalised")
    total = writer.op("Add", node.inputs[0], skip)
    if bias:
        total = writer.op("Add", total, bias)
    made = {node.outputs[0]: _normed(graph, node, writer, total, shape)}
    return made | ({node.outputs[1]: total} if len(node.outputs) > 1 and node.outputs[1] else {})


def _image(graph: GraphView, node: Node) -> tuple[int, ...]:
    """The shape of what is normalised. Raises NotUnfused where it is not known, or groups do not fit."""
    shape, groups = static_shape(graph, node.inputs[0]), int(node.attributes.get("groups", 0))
    last = bool(node.attributes.get("channels_last", 1))
    if shape is None or len(shape) != 4 or groups < 1 or shape[-1 if last else 1] % groups:
        raise NotUnfused(f"{node.label} makes {groups} groups of the channels of {shape}")
    if node.attributes.get("activation", 0) not in (0, 1):
        raise NotUnfused(f"the activation {node.attributes['activation']} of {node.label} is not known")
    return shape


def _normed(graph: GraphView, node: Node, writer: Writer, x: str, shape: tuple[int, ...]) -> str:
    """Each group of channels less its mean, over its deviation; scale and bias by channel, and the activation."""
    last, groups = bool(node.attributes.get("channels_last", 1)), int(node.attributes["groups"])
    dtype, epsilon = real_dtype(graph, node.inputs[0]), float(node.attributes.get("epsilon", 1e-5))
    first = (shape[0], shape[3], shape[1], shape[2]) if last else shape
    rows = (shape[0], groups, math.prod(first[1:]) // groups)
    flat = writer.reshape(channels_first(writer, x, 4) if last else x, rows)
    normed = writer.reshape(normalised(writer, flat, dtype, rows, kept=(0, 1), epsilon=epsilon), first)
    scale, bias = (_as(graph, writer, name, dtype) for name in node.inputs[1:3])
    y = per_channel(writer, normed, 4, scale, bias)
    if node.attributes.get("activation", 0):
        y = writer.op("Mul", y, writer.op("Sigmoid", y))
    return channels_last(writer, y, 4) if last else y


def _as(graph: GraphView, writer: Writer, name: str, dtype: str) -> str:
    """A scale or bias, which may be wider than what is normalised."""
    return name if graph.value(name).dtype in (None, dtype) else writer.cast(name, dtype)


def convolution_weights(graph: GraphView, node: Node, writer: Writer) -> str:
    """The weights of NhwcConv as Conv takes them, (M, C/group, …).

    The documentation says that they are so; ONNX Runtime's optimiser, which makes the operator, and its kernel have
    the channels last in them, too, (M, …, C/group). Which it is shows where only one of both has the right channels.

    Raises:
        NotUnfused: shapes are not known, or fit both.
    """
    x, weights = (static_shape(graph, name) for name in node.inputs[:2])
    if x is None or weights is None or len(x) != len(weights) or len(x) < 3:
        raise NotUnfused(f"the shape of {node.inputs[0]} or {node.inputs[1]} is not static")
    each, kernel = x[-1] // int(node.attributes.get("group", 1)), node.attributes.get("kernel_shape")
    as_conv = weights[1] == each and (kernel is None or tuple(kernel) == weights[2:])
    turned = weights[-1] == each and (kernel is None or tuple(kernel) == weights[1:-1])
    if as_conv == turned:
        raise NotUnfused(f"which dimension of {node.inputs[1]} {weights} are the channels cannot be told")
    return node.inputs[1] if as_conv else channels_first(writer, node.inputs[1], len(weights))
