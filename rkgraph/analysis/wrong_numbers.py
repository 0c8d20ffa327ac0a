"""Forms of operators that the compiler builds and computes wrong: one function for each law that RK130 tells.

The laws are `op_tables/wrong_numbers.toml`; what was measured on both sides of each is `benchmarks/silent_wrong.md`. A
trigger looks at one node and says whether it is of the form; what is not known is not said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rkgraph.analysis.pooling import is_padded
from rkgraph.graph.view import GraphView, Node

__all__ = ["TRIGGERS", "IsConstant"]

IsConstant = Callable[[str], bool]
"""Whether a value is constant when lowering starts."""

_LARGE_KERNEL = 8
"""Pools with smaller ones are one layer."""

_SQUEEZED = 5
"""Ranks from here on are brought to four dimensions, without those of 1."""

_ONE_AXIS = 13
"""The opset from which Softmax is along one axis, and not along all from there on."""

_IN_FRONT = 2
"""Axes of a LogSoftmax from here on are found again when a dimension in front is dropped."""

_FILL = -11.0
"""From here down a number is taken for a mask's (-10 is not)."""

LARGEST = 65519.0
"""Numbers up to here are rounded to fp16's largest, 65504."""

_FLOATS = ("float16", "float32", "float64")

_TAKE_FACTORS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""Operators whose weights take the factors behind them, as far as they fit then."""

_MOVED = ("Identity", "Reshape", "Transpose")
"""Operators that the numbers of a quantized value pass."""


def equal_lengths(graph: GraphView, node: Node, is_constant: IsConstant) -> bool:  # noqa: ARG001
    """A ReverseSequence of rank 3 along axis 0 with constant lengths that are all the same, and less than the whole."""
    shape, lengths = graph.value(node.inputs[0]).shape, graph.constant(node.inputs[1])
    if node.attributes.get("time_axis", 0) != 0 or shape is None or len(shape) != 3 or lengths is None:
        return False
    first, *others = lengths.values
    return isinstance(shape[0], int) and first < shape[0] and all(other == first for other in others)


def other_quantization(graph: GraphView, node: Node, is_constant: IsConstant) -> bool:
    """A DequantizeLinear of a computed value that QuantizeLinear made with another scale or zero point."""
    name = node.inputs[0]
    maker = graph.producer(name)
    while maker is not None and maker.op in _MOVED:
        maker = graph.producer(maker.inputs[0])
    if maker is None or maker.op != "QuantizeLinear" or is_constant(name):
        return False
    return any(_differ(graph, made, read) for made, read in zip(maker.inputs[1:3], node.inputs[1:3], strict=False))


def stretched_base(graph: GraphView, node: Node, is_constant: IsConstant) -> bool:  # noqa: ARG001
    """A Pow of three dimensions whose base has 1 in the middle and more in the last, and is stretched."""
    shape, result = (graph.value(name).shape for name in (node.inputs[0], node.outputs[0]))
    if shape is None or result is None or len(shape) != 3 or len(result) != 3:
        return False
    _, middle, last = shape
    return middle == 1 and last != 1 and isinstance(result[1], int) and result[1] > 1


def gemm_of_one(graph: GraphView, node: Node, is_constant: IsConstant) -> bool:
    """A Gemm with a constant bias that sums up over one element."""
    shape = graph.value(node.inputs[0]).shape
    if shape is None or len(shape) != 2 or len(node.inputs) < 3 or not node.inputs[2]:
        return False
    return shape[0 if node.attributes.get("transA", 0) else 1] == 1 and is_constant(node.inputs[2])


def factor_beyond_fp16(graph: GraphView, node: Node, is_constant: IsConstant) -> bool:  # noqa: ARG001
    """A Mul by a constant that fp16 does not hold, or a Div by one whose reciprocal it does not; not behind a Conv."""
    for place, name in enumerate(node.inputs):
        constant, other = graph.constant(name), node.inputs[1 - place]
        maker = graph.producer(other)
        if constant is None or (node.op == "Div" and place == 0) or (maker is not None and maker.op in _TAKE_FACTORS):
            continue
        numbers = [abs(float(value)) for value in constant.values if isinstance(value, (int, float))]
        factors = [1 / number if number else 0.0 for number in numbers] if node.op == "Div" else numbers
        if graph.value(name).dtype in _FLOATS and any(LARGEST < factor < float("inf") for factor in factors):
            return True
    return False


def uneven_stride(graph: GraphView, node: Node, is_constant: IsConstant) -> bool:  # noqa: ARG001
    """A MaxPool of a large square kernel, without padding, that steps by 1 down and by more to the right."""
    kernel, strides = node.attributes.get("kernel_shape", ()), node.attributes.get("strides", ())
    if len(kernel) != 2 or len(strides) != 2 or kernel[0] != kernel[1]:
        return False
    return kernel[0] >= _LARGE_KERNEL and strides[0] == 1 and strides[1] > 1 and not is_padded(node)


def axis_of_one(graph: GraphView, node: Node, is_constant: IsConstant) -> bool:  # noqa: ARG001
    """A Softmax of five dimensions or more along the first that is 1; a LogSoftmax of five along axis 0 or 1."""
    shape = graph.value(node.inputs[0]).shape
    if shape is None or len(shape) < _SQUEEZED or graph.opset < _ONE_AXIS:
        return False
    axis = node.attributes.get("axis", -1)
    if not isinstance(axis, int) or not -len(shape) <= axis < len(shape):
        return False
    first = next((place for place, size in enumerate(shape) if size == 1), None)
    return first == axis % len(shape) and (node.op == "Softmax" or (first < _IN_FRONT and len(shape) == _SQUEEZED))


def mask_of_numbers(graph: GraphView, node: Node, is_constant: IsConstant) -> bool:  # noqa: ARG001
    """A Where that fills by one row of numbers cast to bool, with a large negative number, before a Softmax."""
    mask, fill = node.inputs[0], graph.constant(node.inputs[1])
    shape, row = graph.value(node.outputs[0]).shape, graph.value(mask).shape
    readers = graph.consumers(node.outputs[0])
    if fill is None or any(value > _FILL for value in fill.values) or not shape or row is None:
        return False
    is_row = len(row) == len(shape) and row[-1] == shape[-1] and all(size == 1 for size in row[:-1])
    ends = all(
        reader.op == "Softmax" and reader.attributes.get("axis", -1) in (-1, len(shape) - 1) for reader in readers
    )
    if not (is_row and readers and ends):
        return False
    maker = graph.producer(mask)
    while maker is not None and maker.op == "Identity" and len(graph.consumers(mask)) == 1:
        mask = maker.inputs[0]
        maker = graph.producer(mask)
    if maker is None or maker.op != "Cast" or len(graph.consumers(mask)) != 1:
        return False
    number = maker.inputs[0]
    before = graph.producer(number)
    is_truth = before is not None and before.op == "Cast" and graph.value(before.inputs[0]).dtype == "bool"
    return graph.value(number).dtype not in (None, "bool") and not is_truth


TRIGGERS: Mapping[str, Callable[[GraphView, Node, IsConstant], bool]] = {
    each.__name__: each
    for each in (
        axis_of_one,
        equal_lengths,
        factor_beyond_fp16,
        gemm_of_one,
        mask_of_numbers,
        other_quantization,
        stretched_base,
        uneven_stride,
    )
}


def _differ(graph: GraphView, one: str, other: str) -> bool:
    """Whether two constants are known to be different numbers."""
    a, b = graph.constant(one), graph.constant(other)
    return one != other and a is not None and b is not None and a.values != b.values
