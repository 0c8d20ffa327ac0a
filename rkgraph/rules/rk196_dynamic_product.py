"""RK196: ONNX Runtime's products of a quantised activation that end in floats, as products of floats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import Between, Tolerance
from rkgraph.rulebook.dynamic_quantization import measured_floats
from rkgraph.rulebook.fused import NotUnfused, Unfuse, found_fused, input_of, unfused
from rkgraph.rulebook.quantized import Quantized, dequantize, element_count
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal
    from rkgraph.graph.view import GraphView, Node

# A step of 8 bits is 1/255 of the range of the activation, rounded to half of it either way.
ROUNDED = Tolerance(1e-5, 1e-5, norm=0.03)


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each."""
    yield from found_fused(lint, _WRITTEN, "its activation was a float: MatMul of floats takes it")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The product of the activation itself with the weights' floats."""
    node, graph = finding.node, lint.model.main
    floats = _measured(graph, node) if node is not None else ""
    within = {floats: Between(-1.0, 1.0)} if floats else {}
    return unfused(lint, finding, _WRITTEN, prefix="rk196", tolerance=ROUNDED, within=within)


def _measured(graph: GraphView, node: Node) -> str:
    """The activation in floats: input 0, or what DynamicQuantizeLinear made that of; "" where it is not known."""
    if node.op == "DynamicQuantizeMatMul":
        return node.inputs[0]
    return measured_floats(graph, (node.inputs[0], node.inputs[2], input_of(node, 4)))


def _product(graph: GraphView, node: Node, writer: Writer, weights: Quantized, bias: str) -> Mapping[str, str]:
    first = _measured(graph, node)
    try:
        if not first:
            activation = Quantized(node.inputs[0], node.inputs[2], input_of(node, 4))
            if element_count(graph, activation.scale) != 1:
                raise NotUnfused(f"{node.inputs[0]} has several scales, or their number is unknown")
            first = dequantize(graph, writer, activation, "float32")
        product = writer.op("MatMul", first, dequantize(graph, writer, weights, "float32"))
    except ValueError as error:
        raise NotUnfused(str(error)) from error
    return {node.outputs[0]: writer.op("Add", product, bias) if bias else product}


def _dynamic(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    """Inputs: A in floats, B, its scales and zero points, bias."""
    weights = Quantized(node.inputs[1], node.inputs[2], input_of(node, 3), -1)
    return _product(graph, node, writer, weights, input_of(node, 4))


def _to_float(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    """Inputs: A, B, scales of both, zero points of both, bias."""
    weights = Quantized(node.inputs[1], node.inputs[3], input_of(node, 5), -1)
    return _product(graph, node, writer, weights, input_of(node, 6))


_WRITTEN: Mapping[str, Unfuse] = {"DynamicQuantizeMatMul": _dynamic, "MatMulIntegerToFloat": _to_float}
