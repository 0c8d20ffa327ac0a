"""RK191: activations that ONNX Runtime's optimiser fused, as the operators that they were."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rkgraph.rulebook.fused import NotUnfused, Unfuse, found_fused, gelu, gelu_tanh, input_of, real_dtype, unfused
from rkgraph.rulebook.quantized import static_shape
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal
    from rkgraph.graph.view import GraphView, Node

ERF = 9  # the opset from which there is Erf


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each."""
    yield from found_fused(lint, _WRITTEN, "it was fused out of standard operators, which take its place")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The operators that ONNX Runtime fused."""
    return unfused(lint, finding, _WRITTEN, prefix="rk191", opset=ERF)


def _gelu(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    return {node.outputs[0]: gelu(writer, node.inputs[0], real_dtype(graph, *node.inputs))}


def _bias_gelu(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    return {node.outputs[0]: gelu(writer, writer.op("Add", *node.inputs[:2]), real_dtype(graph, *node.inputs))}


def _fast_gelu(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    x = writer.op("Add", *node.inputs[:2]) if input_of(node, 1) else node.inputs[0]
    return {node.outputs[0]: gelu_tanh(writer, x, real_dtype(graph, *node.inputs))}


def _quick_gelu(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    x, alpha = node.inputs[0], float(node.attributes.get("alpha", 1.702))
    steep = writer.op("Mul", x, writer.constant(alpha, real_dtype(graph, x), "alpha"))
    return {node.outputs[0]: writer.op("Mul", x, writer.op("Sigmoid", steep))}


def _bias_split_gelu(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    """The last dimension in halves: the first one times the GELU of the second."""
    shape = graph.value(node.inputs[1]).shape
    width = shape[-1] if shape else None
    if not isinstance(width, int) or width % 2:
        raise NotUnfused(f"the width of {node.inputs[1]} is unknown or odd")
    left, right = writer.split(writer.op("Add", *node.inputs[:2]), -1, (width // 2, width // 2))
    return {node.outputs[0]: writer.op("Mul", left, gelu(writer, right, real_dtype(graph, *node.inputs)))}


def _bias_add(_graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    return {node.outputs[0]: writer.op("Add", writer.op("Add", *node.inputs[:2]), node.inputs[2])}


def _bias_softmax(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    """Softmax of x + bias, over all dimensions from `axis` on."""
    shape, bias = (static_shape(graph, name) for name in node.inputs[:2])
    axis = int(node.attributes.get("axis", 1))
    if shape is None or bias is None or not -len(shape) <= axis < len(shape):
        raise NotUnfused(f"the shape of {node.inputs[0]} or {node.inputs[1]} is not static")
    axis %= len(shape)
    pairs = zip(reversed(bias), reversed(shape), strict=False)
    if len(bias) > len(shape) or any(size not in (1, whole) for size, whole in pairs):
        raise NotUnfused(f"{node.inputs[1]} {bias} does not fit {shape}")
    total, joint = writer.op("Add", *node.inputs[:2]), axis < len(shape) - 1
    flat = writer.reshape(total, (*shape[:axis], math.prod(shape[axis:]))) if joint else total
    weighted = writer.op("Softmax", flat, axis=axis)
    return {node.outputs[0]: writer.reshape(weighted, shape) if joint else weighted}


_WRITTEN: Mapping[str, Unfuse] = {
    "BiasAdd": _bias_add,
    "BiasGelu": _bias_gelu,
    "BiasSoftmax": _bias_softmax,
    "BiasSplitGelu": _bias_split_gelu,
    "FastGelu": _fast_gelu,
    "Gelu": _gelu,
    "QuickGelu": _quick_gelu,
}
