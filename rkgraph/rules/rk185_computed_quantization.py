"""RK185: QuantizeLinear or DequantizeLinear in a form that does not build, written as the arithmetic that it is."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import EXACT, Between, Edit, Refusal, Tolerance
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.lowering import needing, not_as_it_is, raised
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.quantized import Quantized, dequantize, quantize, static_shape
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

OPERATORS = frozenset({"QuantizeLinear", "DequantizeLinear"})
FORMULAS = {"QuantizeLinear": "x / scale, Round, Add, Clip and Cast", "DequantizeLinear": "Cast, Sub and Mul"}
# One rounding more or less; whole numbers have to be equal.
ROUNDED = Tolerance(0.0, 1e-6)

SCALES = Between(1e-4, 1e4)
ROUND = 11  # the opset from which there is Round


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each that cannot run: no zero point (of constants, too), or a computed scale."""
    for domain in ("", "com.microsoft"):
        for graph, node in needing(lint, OPERATORS, domain=domain):
            yield not_as_it_is(lint, graph, node, f"it is {FORMULAS[node.op]}")
    for graph in lint.model.graphs():
        if "DequantizeLinear" not in graph.ops:
            continue
        for node in graph.nodes_of("DequantizeLinear"):
            if (node.path, node.index) in lint.folding.constant and not _zero(node):
                yield Finding(
                    f"{node.label} has no zero point, and the toolkit asks for one before it folds the node",
                    graph=graph.path,
                    node=node,
                    observed={"operator": node.op},
                    verdict=Verdict.BUILD_FAILS,
                )


def _zero(node: Node) -> str:
    return node.inputs[2] if len(node.inputs) > 2 else ""


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The arithmetic of the operator's definition."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    writer = Writer(graph, f"rk185/{node.outputs[0]}")
    zero = _missing_zero(lint, graph, node, writer)
    if zero:
        new = writer.op(node.op, *node.inputs[:2], zero, **node.attributes)
        return writer.rewrite({node.outputs[0]: new}, EXACT, "with a zero point of 0")
    first = raised(lint, ROUND) if node.op == "QuantizeLinear" else None
    if first is not None:
        return first
    shape = graph.value(node.inputs[0]).shape
    if shape is None or node.attributes.get("block_size", 0):
        return Refusal(f"the rank of {node.inputs[0]} is unknown, or its scales belong to blocks")
    try:
        new = _arithmetic(graph, node, writer, len(shape))
    except ValueError as error:
        return Refusal(str(error))
    # What is divided by a scale of zero is nothing that a quantised model means.
    within = {} if lint.is_constant(graph, node.inputs[1]) else {node.inputs[1]: SCALES}
    return writer.rewrite({node.outputs[0]: new}, ROUNDED, "as arithmetic", within=within)


def _missing_zero(lint: LintContext, graph: GraphView, node: Node, writer: Writer) -> str:
    """A zero point of zeros, where one is all that the node lacks; else ""."""
    scale, dtype = node.inputs[1], graph.value(node.outputs[0] if node.op == "QuantizeLinear" else node.inputs[0]).dtype
    shape = static_shape(graph, scale)
    given = len(node.inputs) > 2 and node.inputs[2]
    if (
        given
        or node.domain
        or shape is None
        or dtype not in ("int8", "uint8", "int32")
        or not lint.is_constant(graph, scale)
    ):
        return ""
    return writer.constant([0] * shape[0] if shape else 0, dtype, "zero") if len(shape) < 2 else ""


def _arithmetic(graph: GraphView, node: Node, writer: Writer, rank: int) -> str:
    """The new value. Raises ValueError for dtypes and shapes that are unknown."""
    zero = _zero(node)
    axis = int(node.attributes.get("axis", 1))
    if node.op == "QuantizeLinear":
        return quantize(graph, writer, node.inputs[0], Quantized(node.outputs[0], node.inputs[1], zero, axis), rank)
    if not str(graph.value(node.inputs[0]).dtype).startswith(("int", "uint")):
        raise ValueError(f"{node.inputs[0]} is {graph.value(node.inputs[0]).dtype}, no whole number")
    dtype = graph.value(node.inputs[1]).dtype or "float32"
    return dequantize(graph, writer, Quantized(node.inputs[0], node.inputs[1], zero, axis), dtype)
