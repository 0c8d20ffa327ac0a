"""RK188: DynamicQuantizeLinear, which the toolkit refuses, written as the arithmetic that it is."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.graph.rewrite import Edit, Refusal, Tolerance
from rkgraph.rulebook.elementary import Elementary
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

STEPS = 255.0
PRODUCTS = frozenset({"MatMulInteger", "ConvInteger", "MatMulIntegerToFloat", "QAttention"})
"""What RK182, RK186, RK196 and RK199 write with the floats that were quantised."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each DynamicQuantizeLinear that no product of whole numbers reads: their rules come first."""
    for graph, node in needing(lint, {"DynamicQuantizeLinear"}):
        readers = {reader.op for reader in graph.consumers(node.outputs[0])}
        if not readers & PRODUCTS:
            yield not_as_it_is(lint, graph, node, "it is ReduceMin, ReduceMax, and the rounding of x / scale")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Scale, zero point and numbers by the operator's definition."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    shape = graph.value(node.inputs[0]).shape
    if not shape:
        return Refusal(f"{node.inputs[0]} has no dimensions, or nothing is known of them")
    writer, x = Writer(graph, f"rk188/{node.outputs[0]}"), node.inputs[0]
    low, scale = _low_and_scale(writer, x, len(shape))
    read = {number: name for number, name in enumerate(node.outputs) if name in graph.outputs or lint.is_read(name)}
    zero = _zero(writer, low, scale) if read.keys() - {1} else ""
    replaces = {name: _output(writer, number, x, scale, zero) for number, name in read.items()}
    return writer.rewrite(replaces, Tolerance(0.0, 1e-6), "as arithmetic")


def _low_and_scale(writer: Writer, x: str, rank: int) -> tuple[str, str]:
    """The smallest number, or 0, and the scale: (1) each."""
    axes = tuple(range(rank))
    low = writer.clip(writer.reshape(writer.reduce("ReduceMin", x, axes), (1,)), "float32", None, 0.0)
    high = writer.clip(writer.reshape(writer.reduce("ReduceMax", x, axes), (1,)), "float32", 0.0)
    span = writer.op("Sub", high, low)
    step = writer.op("Div", span, writer.constant([STEPS], "float32", "steps"))
    # ONNX Runtime takes a scale of 1 where all is zero. (Where of a comparison here kills the toolkit.)
    is_zero = writer.op("Sub", writer.constant([1.0], "float32", "one"), Elementary(writer, "float32").sign(span))
    scale = writer.op("Add", step, is_zero)
    return low, scale


def _zero(writer: Writer, low: str, scale: str) -> str:
    """The zero point, a whole number in floats: (1)."""
    steps = writer.op("Div", writer.op("Neg", low), scale)
    return writer.op("Round", writer.clip(steps, "float32", 0.0, STEPS))


def _output(writer: Writer, number: int, x: str, scale: str, zero: str) -> str:
    """The numbers, the scale or the zero point, as DynamicQuantizeLinear gives them."""
    if number == 1:
        return writer.reshape(scale, ())
    if number == 2:
        return writer.cast(writer.reshape(zero, ()), "uint8")
    moved = writer.op("Add", writer.op("Round", writer.op("Div", x, scale)), zero)
    return writer.cast(writer.clip(moved, "float32", 0.0, STEPS), "uint8")
