"""RK189: DFT, for which the board has no kernel, as a product with a matrix of sines and cosines."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from rkgraph.graph.rewrite import Edit, Refusal, Tolerance
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.fourier import frequencies, transform
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.pattern import scalar
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.quantized import static_shape
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

MOST_ELEMENTS = 2**23  # of the matrix: 32 MB as float32
AXIS_INPUT = 20
# ONNX Runtime's own transform of lengths that are no powers of 2 is right to five digits of the norm.
ROUNDED = Tolerance(1e-6, 1e-5, norm=1e-4)


@dataclass(frozen=True)
class _Transform:
    """A DFT along `axis` of values (…, samples, …, parts), of `length` points."""

    shape: tuple[int, ...]
    axis: int
    length: int
    onesided: bool
    inverse: bool


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each DFT that cannot run."""
    for graph, node in needing(lint, {"DFT"}):
        yield not_as_it_is(lint, graph, node, "it is a product with a constant matrix")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Reshape, MatMul with sines and cosines, Reshape; Transposes where the axis is not the last."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    read = _read(graph, node)
    if isinstance(read, str):
        return Refusal(read)
    samples, parts = read.shape[read.axis], read.shape[-1]
    out = frequencies(read.length, onesided=read.onesided)
    if samples * parts * out * 2 > MOST_ELEMENTS:
        return Refusal(
            f"its matrix would have {samples * parts * out * 2} elements; at most {MOST_ELEMENTS} are written"
        )
    matrix = transform(samples, read.length, parts=parts, onesided=read.onesided, inverse=read.inverse)
    writer, rank = Writer(graph, f"rk189/{node.outputs[0]}"), len(read.shape)
    dtype = graph.value(node.inputs[0]).dtype or "float32"
    last = [axis for axis in range(rank) if axis not in (read.axis, rank - 1)]
    order = [*last, read.axis, rank - 1]
    outer = [read.shape[axis] for axis in last]
    flat = writer.reshape(writer.transpose(node.inputs[0], order), (math.prod(outer), samples * parts))
    product = writer.op("MatMul", flat, writer.constant(matrix, dtype, "transform"))
    result = writer.transpose(writer.reshape(product, (*outer, out, 2)), [order.index(axis) for axis in range(rank)])
    return writer.rewrite({node.outputs[0]: result}, ROUNDED, f"a matrix of {matrix.shape}")


def _read(graph: GraphView, node: Node) -> _Transform | str:
    """The transform, or why it is not known or is none of these."""
    shape = static_shape(graph, node.inputs[0])
    if shape is None or len(shape) < 2 or shape[-1] not in (1, 2):
        return f"the shape of {node.inputs[0]} is not static, or no signal's"
    inputs = (*node.inputs, "", "")
    axis: float | None = float(node.attributes.get("axis", 1))
    if graph.opset >= AXIS_INPUT:
        axis = scalar(graph, inputs[2]) if inputs[2] else -2.0
    if axis is None or not axis.is_integer() or int(axis) % len(shape) == len(shape) - 1:
        return f"the axis of {node.label} is not constant, or that of the complex parts"
    place = int(axis) % len(shape)
    length = scalar(graph, inputs[1]) if inputs[1] else float(shape[place])
    onesided, inverse = (bool(node.attributes.get(name, 0)) for name in ("onesided", "inverse"))
    if length is None or length < 1:
        return f"the length of {node.label} is not constant"
    if onesided and (inverse or shape[-1] == 2):
        return f"{node.label} is onesided, and not a forward transform of a real signal"
    return _Transform(shape, place, int(length), onesided, inverse)
