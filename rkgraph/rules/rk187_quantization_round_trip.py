"""RK187: numbers that are quantised and dequantised at once, in a way that the compiler does not take."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.graph.rewrite import Edit, Refusal, Tolerance
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.lowering import CANNOT_RUN
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.quantized import LIMITS, element_count, zero_dtype
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

# Operators through which quantised numbers go as they are; a maximum of them is that of the floats, too.
MOVES = frozenset({"Flatten", "Identity", "MaxPool", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze"})

DOMAINS = ("", "ai.onnx", "com.microsoft")


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each DequantizeLinear of what QuantizeLinear made with the same scale, where one cannot run.

    Pairs of 8 bits are left alone: the compiler makes an int8 model of them, which is cheaper than one in fp16 (where
    only a zero point is missing, RK185 adds it).
    """
    for graph in lint.model.graphs():
        if not graph.ops >= {"QuantizeLinear", "DequantizeLinear"}:
            continue
        for node in lint.live_nodes(graph):
            trip = _trip(graph, node)
            lost = [step for step in (node, *trip) if trip and lint.judgement(step).outcome in CANNOT_RUN]
            if lost and (node.domain or _dtype(graph, node) not in ("int8", "uint8")):
                yield Finding(
                    f"{trip[-1].label} and {node.label} only round what lies between them, and {lost[0].op} cannot run",
                    graph=graph.path,
                    node=node,
                    observed={"quantized by": trip[-1].label},
                    explains=frozenset((graph.path, step.index) for step in (node, *trip)),
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The numbers themselves, within the range that the 8 bits span."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    trip = _trip(graph, node)
    maker = trip[-1]
    scale, zero = graph.constant(maker.inputs[1]), graph.constant(maker.inputs[2]) if len(maker.inputs) > 2 else None
    dtype = _dtype(graph, maker)
    if scale is None or dtype not in LIMITS:
        return Refusal(f"the scale of {maker.label} is not at hand, or it is no 8- or 16-bit whole number")
    step, shift = float(scale.values[0]), float(zero.values[0]) if zero else 0.0
    low, high = ((bound - shift) * step for bound in LIMITS[dtype])
    writer = Writer(graph, f"rk187/{node.outputs[0]}")
    value = writer.clip(maker.inputs[0], graph.value(maker.inputs[0]).dtype or "float32", low, high)
    for move in reversed(trip[:-1]):
        value = writer.op(move.op, value, *move.inputs[1:], **move.attributes)
    # Half a step, and what float32 rounds of the largest number.
    error = step / 2 + max(abs(low), abs(high)) * 1e-6
    return writer.rewrite(
        {node.outputs[0]: value}, Tolerance(error, 0.0, norm=0.01), f"no longer rounded to steps of {step:.3g}"
    )


def _dtype(graph: GraphView, node: Node) -> str | None:
    """What the numbers of a QuantizeLinear or DequantizeLinear are."""
    numbers = node.outputs[0] if node.op == "QuantizeLinear" else node.inputs[0]
    zero = node.inputs[2] if len(node.inputs) > 2 else ""
    return zero_dtype(graph, zero, graph.value(numbers).dtype or "uint8")


def _trip(graph: GraphView, node: Node) -> tuple[Node, ...]:
    """The nodes between `node` and the QuantizeLinear of the same scale and zero point, that one last; else none."""
    if node.op != "DequantizeLinear" or node.domain not in DOMAINS:
        return ()
    found: list[Node] = []
    source = graph.producer(node.inputs[0])
    while source is not None and source.op in MOVES and source.domain in ("", "ai.onnx") and len(source.outputs) == 1:
        found.append(source)
        source = graph.producer(source.inputs[0])
    if source is None or source.op != "QuantizeLinear" or source.domain != node.domain:
        return ()
    scales = [element_count(graph, each.inputs[1]) for each in (node, source)]
    same = _numbers(graph, node) == _numbers(graph, source) is not None
    return (*found, source) if scales == [1, 1] and same else ()


def _numbers(graph: GraphView, node: Node) -> tuple[float, float] | None:
    """Scale and zero point; None where they are not constants."""
    scale = graph.constant(node.inputs[1])
    zero = graph.constant(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] else None
    if scale is None or (len(node.inputs) > 2 and node.inputs[2] and zero is None):
        return None
    return float(scale.values[0]), float(zero.values[0]) if zero else 0.0
