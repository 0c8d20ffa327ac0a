"""RK195: ONNX Runtime's operators on quantised numbers, as the standard ones between two conversions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import Tolerance
from rkgraph.rulebook.fused import NotUnfused, Unfuse, found_fused, input_of, unfused
from rkgraph.rulebook.quantized import Quantized, along, element_count, real_values, whole_values
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal
    from rkgraph.graph.view import GraphView, Node

_IMAGE = 4  # the rank of one
ROUND = 11  # the opset from which there is Round
# What lies half-way between two steps may go either way; ONNX Runtime looks sigmoids up in tables of 256 entries.
A_STEP = Tolerance(1.0, 1e-4, norm=1e-3)


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each."""
    yield from found_fused(lint, _WRITTEN, "the standard operator between two conversions takes its place")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """DequantizeLinear, the operator, and QuantizeLinear."""
    return unfused(lint, finding, _WRITTEN, prefix="rk195", opset=ROUND, tolerance=A_STEP)


def _real(graph: GraphView, node: Node, writer: Writer, place: int) -> str:
    """The floats of the input at `place`, whose scale and zero point follow it."""
    tensor = Quantized(node.inputs[place], node.inputs[place + 1], input_of(node, place + 2))
    if any(name and element_count(graph, name) != 1 for name in (tensor.scale, tensor.zero)):
        raise NotUnfused(f"{tensor.numbers} has several scales, or their number is unknown")
    return _known(lambda: real_values(graph, writer, tensor))


def _whole(graph: GraphView, node: Node, writer: Writer, x: str, place: int) -> Mapping[str, str]:
    """Output 0: `x` quantised with the scale and the zero point at `place`."""
    tensor = Quantized(node.outputs[0], node.inputs[place], input_of(node, place + 1))
    if element_count(graph, tensor.scale) != 1:
        raise NotUnfused(f"{tensor.numbers} has several scales, or their number is unknown")
    return {node.outputs[0]: _known(lambda: whole_values(graph, writer, x, tensor))}


def _binary(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    op = {"QLinearAdd": "Add", "QLinearMul": "Mul"}[node.op]
    result = writer.op(op, _real(graph, node, writer, 0), _real(graph, node, writer, 3))
    return _whole(graph, node, writer, result, 6)


def _unary(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    """The same operator of floats: "QLinear" before its name."""
    attributes = {k: v for k, v in node.attributes.items() if k not in ("channels_last", "opset")}
    if node.attributes.get("channels_last", 0):
        raise NotUnfused(f"{node.label} has its channels last")
    if node.op == "QLinearSoftmax" and (node.attributes.get("opset", 13) < 13) != (writer.opset < 13):
        raise NotUnfused(f"{node.label} is a Softmax of another opset than the model")
    result = writer.op(node.op.removeprefix("QLinear"), _real(graph, node, writer, 0), **attributes)
    return _whole(graph, node, writer, result, 3)


def _where(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    """Inputs: condition, then two triples of numbers, scale and zero point, and scale and zero point of the result."""
    result = writer.op("Where", node.inputs[0], _real(graph, node, writer, 1), _real(graph, node, writer, 4))
    return _whole(graph, node, writer, result, 7)


def _mean(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    """The mean over `axes`, all of them where none is named.

    That over planes is a GlobalAveragePool: of ReduceMean the compiler makes a mean of means, rounded to 8 bits each.
    """
    x, shape = _real(graph, node, writer, 0), graph.value(node.inputs[0]).shape or ()
    axes, keep = node.attributes.get("axes") or tuple(range(len(shape))), bool(node.attributes.get("keepdims", 1))
    if not shape or any(not -len(shape) <= axis < len(shape) for axis in axes):
        raise NotUnfused(f"{node.label} names the axes {list(axes)} of a value of shape {shape}")
    if len(shape) == _IMAGE and {axis % _IMAGE for axis in axes} == {2, 3}:
        result = writer.op("GlobalAveragePool", x)
        result = result if keep else writer.op("Flatten", result, axis=1)
    else:
        result = writer.reduce("ReduceMean", x, axes, keepdims=keep)
    return _whole(graph, node, writer, result, 3)


def _concat(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    parts = [_real(graph, node, writer, place) for place in range(2, len(node.inputs), 3)]
    return _whole(graph, node, writer, writer.concat(parts, int(node.attributes["axis"])), 0)


def _gemm(graph: GraphView, node: Node, writer: Writer) -> Mapping[str, str]:
    """Inputs: A, scale, zero, B, scales, zeros, C (whole numbers), scale and zero of the result, if it is quantised."""
    columns = 0 if node.attributes.get("transB", 0) else 1
    b = Quantized(node.inputs[3], node.inputs[4], node.inputs[5], columns)
    inputs = [_real(graph, node, writer, 0), _known(lambda: real_values(graph, writer, b))]
    if input_of(node, 6):
        of_a = _known(lambda: along(graph, writer, node.inputs[1], None, 1))
        of_b = _known(lambda: along(graph, writer, node.inputs[4], 0, 1))
        inputs.append(writer.op("Mul", writer.cast(node.inputs[6], "float32"), writer.op("Mul", of_a, of_b)))
    attributes = {k: v for k, v in node.attributes.items() if k in ("alpha", "transA", "transB")}
    if attributes.get("alpha", 1.0) != 1.0 and len(inputs) > 2:
        raise NotUnfused(f"{node.label} scales a product to which something is added")
    result = writer.op("Gemm", *inputs, **attributes)
    return _whole(graph, node, writer, result, 7) if input_of(node, 7) else {node.outputs[0]: result}


def _known(write: Callable[[], str]) -> str:
    """What `write` records; NotUnfused where a shape or dtype that it needs is unknown."""
    try:
        return write()
    except ValueError as error:
        raise NotUnfused(str(error)) from error


_WRITTEN: Mapping[str, Unfuse] = {
    "QGemm": _gemm,
    "QLinearAdd": _binary,
    "QLinearAveragePool": _unary,
    "QLinearConcat": _concat,
    "QLinearGlobalAveragePool": _unary,
    "QLinearLeakyRelu": _unary,
    "QLinearMul": _binary,
    "QLinearReduceMean": _mean,
    "QLinearSigmoid": _unary,
    "QLinearSoftmax": _unary,
    "QLinearWhere": _where,
}
