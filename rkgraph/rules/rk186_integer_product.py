"""RK186: integer products without a kernel on the board, as products of floats."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from rkgraph.analysis.intervals import Intervals
from rkgraph.graph.rewrite import Edit, Refusal, Tolerance
from rkgraph.rulebook.dynamic_quantization import Product, read_product
from rkgraph.rulebook.known import LARGEST_OF, input_of
from rkgraph.rulebook.lowering import needing, not_as_it_is, raised
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.quantized import (
    Quantized,
    along,
    element_count,
    real_values,
    static_shape,
    whole_values,
)
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

FLOATS = {"MatMulInteger": "MatMul", "QLinearMatMul": "MatMul", "ConvInteger": "Conv", "QLinearConv": "Conv"}
EXACT_BELOW = 2**24  # every whole number below is a float32

ROUND = 11  # the opset from which there is Round


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each integer product that is not dynamically quantised (those are RK182's)."""
    for graph, node in needing(lint, FLOATS):
        if "Integer" in node.op and isinstance(read_product(graph, node), Product):
            continue
        yield not_as_it_is(lint, graph, node, f"{FLOATS[node.op]} of the same numbers as floats takes its place")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same product in floats, rounded and cast as the operator says."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    first = raised(lint, ROUND) if node.op.startswith("QLinear") else None
    if first is not None:
        return first
    writer = Writer(graph, f"rk186/{node.outputs[0]}")
    try:
        new = _WRITTEN[node.op](graph, node, writer)
    except ValueError as error:
        return Refusal(str(error))
    return writer.rewrite({node.outputs[0]: new}, _tolerance(graph, node), _told(graph, node))


def _tolerance(graph: GraphView, node: Node) -> Tolerance:
    """Sums of products are exact below 2^24; where they may be larger, or are scaled and rounded, not quite."""
    if node.op.startswith("QLinear"):
        return Tolerance(1.0, 0.0, norm=1e-3)  # a result half-way between two steps may go either way
    largest = _terms(graph, node) * 255 * 255
    return Tolerance(0.0 if largest < EXACT_BELOW else largest / EXACT_BELOW, 0.0)


def _told(graph: GraphView, node: Node) -> str:
    """What is to be known of the rewrite: that sums may lie beyond fp16, by the intervals of what is multiplied."""
    if node.op.startswith("QLinear"):
        return "in floats"
    largest = _terms(graph, node) * _furthest(graph, node, 0, 2) * _furthest(graph, node, 1, 3)
    if largest <= LARGEST_OF["float16"]:
        return "in floats"
    return (
        f"in floats; sums may reach ±{largest:,.0f} by their dtypes and constants, and fp16 ends at "
        f"±{LARGEST_OF['float16']:.0f}: those beyond are the least int32 in the simulator"
    )


def _terms(graph: GraphView, node: Node) -> int:
    """How many products make up one sum; 2^24 where that is not known."""
    weights = static_shape(graph, node.inputs[1]) or (EXACT_BELOW,)
    return math.prod(weights[1:]) if node.op == "ConvInteger" else weights[max(len(weights) - 2, 0)]


def _furthest(graph: GraphView, node: Node, number: int, zero: int) -> float:
    """How far an operand may lie from its zero point."""
    intervals = Intervals(graph)
    numbers = intervals.of(node.inputs[number])
    name = input_of(node, zero)
    if not name:
        return max(abs(numbers.low), abs(numbers.high))
    point = intervals.of(name)
    return max(abs(numbers.low - point.high), abs(numbers.high - point.low))


def _mat_mul_integer(graph: GraphView, node: Node, writer: Writer) -> str:
    first = _shifted(graph, node, writer, (0, 2), axis=-2)
    second = _shifted(graph, node, writer, (1, 3), axis=-1)
    return writer.cast(writer.op("MatMul", first, second), "int32")


def _conv_integer(graph: GraphView, node: Node, writer: Writer) -> str:
    first, second = (_shifted(graph, node, writer, (place, place + 2), axis=0) for place in (0, 1))
    return writer.cast(writer.op("Conv", first, second, **node.attributes), "int32")


def _q_linear_mat_mul(graph: GraphView, node: Node, writer: Writer) -> str:
    a, b, y = (
        _quantized(node, 0, -2),
        _quantized(node, 3, -1),
        Quantized(node.outputs[0], node.inputs[6], node.inputs[7]),
    )
    product = writer.op("MatMul", real_values(graph, writer, a), real_values(graph, writer, b))
    _one_scale(graph, y)
    return whole_values(graph, writer, product, y)


def _q_linear_conv(graph: GraphView, node: Node, writer: Writer) -> str:
    x, w, y = (
        _quantized(node, 0, None),
        _quantized(node, 3, 0),
        Quantized(node.outputs[0], node.inputs[6], node.inputs[7]),
    )
    _one_scale(graph, x)
    _one_scale(graph, y)
    inputs = [real_values(graph, writer, x), real_values(graph, writer, w)]
    if len(node.inputs) > 8 and node.inputs[8]:
        steps = writer.op("Mul", along(graph, writer, x.scale, None, 1), along(graph, writer, w.scale, 0, 1))
        inputs.append(writer.op("Mul", writer.cast(node.inputs[8], "float32"), steps))
    return whole_values(graph, writer, writer.op("Conv", *inputs, **node.attributes), y)


_WRITTEN: dict[str, Callable[[GraphView, Node, Writer], str]] = {
    "MatMulInteger": _mat_mul_integer,
    "ConvInteger": _conv_integer,
    "QLinearMatMul": _q_linear_mat_mul,
    "QLinearConv": _q_linear_conv,
}


def _quantized(node: Node, place: int, axis: int | None) -> Quantized:
    return Quantized(node.inputs[place], node.inputs[place + 1], node.inputs[place + 2], axis)


def _one_scale(graph: GraphView, tensor: Quantized) -> None:
    if element_count(graph, tensor.scale) != 1 or (tensor.zero and element_count(graph, tensor.zero) != 1):
        raise ValueError(f"{tensor.numbers} has several scales or zero points, or their number is unknown")


def _shifted(graph: GraphView, node: Node, writer: Writer, places: tuple[int, int], *, axis: int) -> str:
    """An operand less its zero point, in floats."""
    name = node.inputs[places[0]]
    zero = node.inputs[places[1]] if len(node.inputs) > places[1] else ""
    shape = graph.value(name).shape
    if shape is None:
        raise ValueError(f"the rank of {name} is unknown")
    numbers = writer.cast(name, "float32")
    if not zero:
        return numbers
    return writer.op("Sub", numbers, writer.cast(along(graph, writer, zero, axis, len(shape)), "float32"))
