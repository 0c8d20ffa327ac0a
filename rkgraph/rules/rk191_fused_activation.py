"""RK191: activations that ONNX Runtime's optimiser fused, as the operators that they were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rkgraph.rulebook.fused import NotUnfused, Unfuse, found_fused, gelu, gelu_tanh, input_of, real_dtype, unfused
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


_WRITTEN: Mapping[str, Unfuse] = {
    "BiasAdd": _bias_add,
    "BiasGelu": _bias_gelu,
    "BiasSplitGelu": _bias_split_gelu,
    "FastGelu": _fast_gelu,
    "Gelu": _gelu,
    "QuickGelu": _quick_gelu,
}
