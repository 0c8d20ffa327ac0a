"""RK194: products that ONNX Runtime's optimiser fused or packed, as MatMul, Gemm and Conv."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rkgraph.rulebook.channels_last import channels_first, channels_last, convolution_weights
from rkgraph.rulebook.fused import NotUnfused, Unfuse, found_fused, gelu_tanh, input_of, real_dtype, unfused
from rkgraph.rulebook.packed_weights import decoded, unpacked
from rkgraph.rulebook.quantized import static_shape
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal
    from rkgraph.graph.view import GraphView, Node

CONV = frozenset({"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"})
GEMM = frozenset({"alpha", "beta", "transA", "transB"})


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each."""
    yield from found_fused(lint, _WRITTEN, "standard operators take its place")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The product, and what was fused in front of it and behind."""
    return unfused(lint, finding, _WRITTEN, prefix="rk194")


def _fused_mat_mul(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    a = _turned(graph, node, writer, 0)
    b = _turned(graph, node, writer, 1)
    product = writer.op("MatMul", a, b)
    alpha = float(node.attributes.get("alpha", 1.0))
    if alpha != 1.0:
        product = writer.op("Mul", product, writer.constant(alpha, real_dtype(graph, *node.inputs), "alpha"))
    return {node.outputs[0]: product}


def _turned(graph: GraphView, node: Node, writer: Writer, place: int) -> str:
    """An operand with its last axes swapped (trans), or its first axis moved before the last (transBatch)."""
    name, letter = node.inputs[place], "AB"[place]
    swap, batch = (bool(node.attributes.get(f"{key}{letter}", 0)) for key in ("trans", "transBatch"))
    if not swap and not batch:
        return name
    shape = graph.value(name).shape
    if shape is None:
        raise NotUnfused(f"the rank of {name} is unknown")
    order = list(range(len(shape)))
    if len(order) < 2:
        return name
    if batch:
        order = [*order[1:-1], 0, order[-1]]
    if swap:
        order[-2:] = order[:-3:-1]
    return writer.transpose(name, order)


def _fused_conv(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    inputs = [name for name in node.inputs[:3] if name]
    result = writer.op("Conv", *inputs, **{k: v for k, v in node.attributes.items() if k in CONV})
    if input_of(node, 3):
        result = writer.op("Add", result, node.inputs[3])
    return {node.outputs[0]: _activated(graph, node, writer, result)}


def _channels_last_conv(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    """Inputs: x, weights, bias, and what is added, of NhwcFusedConv."""
    rank = len(graph.value(node.inputs[0]).shape or ())
    if rank < 3:
        raise NotUnfused(f"the rank of {node.inputs[0]} is unknown")
    weights = convolution_weights(graph, node, writer) if node.op == "NhwcConv" else node.inputs[1]
    inputs = [channels_first(writer, node.inputs[0], rank), weights, *filter(None, node.inputs[2:3])]
    result = writer.op("Conv", *inputs, **{k: v for k, v in node.attributes.items() if k in CONV})
    result = channels_last(writer, result, rank)
    if input_of(node, 3):
        result = writer.op("Add", result, node.inputs[3])
    return {node.outputs[0]: _activated(graph, node, writer, result)}


def _gelu_of_product(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    product = writer.op("MatMul", *node.inputs[:2])
    if input_of(node, 2):
        product = writer.op("Add", product, node.inputs[2])
    return {node.outputs[0]: gelu_tanh(writer, product, real_dtype(graph, *node.inputs))}


def _fused_gemm(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    result = writer.op("Gemm", *node.inputs, **{k: v for k, v in node.attributes.items() if k in GEMM})
    return {node.outputs[0]: _activated(graph, node, writer, result)}


def _activated(graph: GraphView, node: Node, writer: Writer, x: str) -> str:
    """The activation that was fused behind a product; parameters are activation_params, or alpha, beta and gamma."""
    name, given = str(node.attributes.get("activation", "")), node.attributes.get("activation_params") or ()
    singles = [node.attributes.get(f"activation_{key}") for key in ("alpha", "beta")]
    numbers = [float(v) for v in given] or [float(v) for v in singles if v is not None]
    if not name:
        return x
    if name in ("Relu", "Sigmoid", "Tanh"):
        return writer.op(name, x)
    if name in ("LeakyRelu", "Elu"):
        return writer.op(name, x, alpha=numbers[0] if numbers else None)
    if name == "HardSigmoid" and len(numbers) in (0, 2):
        return writer.op(name, x, **dict(zip(("alpha", "beta"), numbers, strict=False)))
    if name == "Clip" and len(numbers) == 2:
        return writer.clip(x, real_dtype(graph, *node.inputs), numbers[0], numbers[1])
    raise NotUnfused(f"the activation {name} of {node.label} is not known")


def _n_bits(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    """Inputs: A, packed weights, scales, zero points, groups, bias."""
    if input_of(node, 4):
        raise NotUnfused(f"{node.label} has its columns in groups (g_idx)")
    packed, zeros = static_shape(graph, node.inputs[1]), input_of(node, 3)
    if packed is None:
        raise NotUnfused(f"the shape of {node.inputs[1]} is unknown")
    try:
        weights = unpacked(graph, writer, (node.inputs[1], node.inputs[2], zeros), node.attributes)
    except ValueError as error:
        raise NotUnfused(f"{node.label}: {error}") from error
    product = writer.op("MatMul", node.inputs[0], weights)
    return {node.outputs[0]: writer.op("Add", product, node.inputs[5]) if input_of(node, 5) else product}


def _codes(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    """Inputs: A, codes of 4 bits, the largest number of each block."""
    if not node.attributes.get("transB", 1):
        raise NotUnfused(f"{node.label} is of a backward pass (transB = 0), which ONNX Runtime has no kernel for here")
    try:
        weights = decoded(graph, writer, (node.inputs[1], node.inputs[2]), node.attributes)
    except ValueError as error:
        raise NotUnfused(f"{node.label}: {error}") from error
    return {node.outputs[0]: writer.op("MatMul", node.inputs[0], weights)}


_WRITTEN: Mapping[str, Unfuse] = {
    "FusedConv": _fused_conv,
    "FusedGemm": _fused_gemm,
    "FusedMatMul": _fused_mat_mul,
    "GemmFastGelu": _gelu_of_product,
    "MatMulBnb4": _codes,
    "MatMulNBits": _n_bits,
    "NhwcConv": _channels_last_conv,
    "NhwcFusedConv": _channels_last_conv,
    "TransposeMatMul": _fused_mat_mul,
}
