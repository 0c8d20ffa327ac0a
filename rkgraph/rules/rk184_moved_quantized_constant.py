"""RK184: a quantised constant that is looked up or moved as 8-bit numbers, and only then made floats."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.graph.rewrite import EXACT, Edit, Refusal
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.quantized import Quantized, dequantize, element_count
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

# Operators whose first output has the elements of their first input, and nothing else.
MOVES = frozenset({
    "Expand", "Flatten", "Gather", "GatherElements", "GatherND", "Identity", "Reshape", "Slice", "Squeeze", "Tile",
    "Transpose", "Unsqueeze",
})  # fmt: skip


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each DequantizeLinear of what was moved out of a quantised constant."""
    for graph in lint.model.graphs():
        if "DequantizeLinear" not in graph.ops:
            continue
        for node in lint.live_nodes(graph):
            if node.op == "DequantizeLinear" and node.domain in ("", "ai.onnx") and _moves(graph, node):
                moves = " and ".join(move.op for move in reversed(_moves(graph, node)))
                dtype = graph.value(node.inputs[0]).dtype
                yield Finding(
                    f"{node.label} makes floats of {dtype} numbers behind {moves}; made before, it folds away",
                    graph=graph.path,
                    node=node,
                    observed={"moves": moves, "dtype": dtype},
                    wrong_numbers=dtype == "uint8" and moves == "Gather" and len(node.inputs) > 2,
                    explains=frozenset((graph.path, move.index) for move in (node, *_moves(graph, node))),
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same moves of the constant's floats."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    moves = _moves(graph, node)
    table = moves[-1].inputs[0]
    writer = Writer(graph, f"rk184/{node.outputs[0]}")
    zero = node.inputs[2] if len(node.inputs) > 2 else ""
    dtype = graph.value(node.inputs[1]).dtype or "float32"
    try:
        value = dequantize(graph, writer, Quantized(table, node.inputs[1], zero), dtype)
    except ValueError as error:
        return Refusal(str(error))
    for move in reversed([move for move in moves if move.op != "Cast"]):
        value = writer.op(move.op, value, *move.inputs[1:], **move.attributes)
    return writer.rewrite({node.outputs[0]: value}, EXACT, f"{table} in floats")


def _moves(graph: GraphView, node: Node) -> tuple[Node, ...]:
    """The moves between a constant and the node, the last one first; none where there is no constant, or no move.

    One scale for all elements stays right wherever they go; one a channel would have to go with them.
    """
    if any(element_count(graph, name) != 1 for name in node.inputs[1:] if name):
        return ()
    found: list[Node] = []
    dtype = graph.value(node.inputs[0]).dtype
    source = graph.producer(node.inputs[0])
    while source is not None and source.domain in ("", "ai.onnx") and _moves_on(graph, source, dtype):
        found.append(source)
        source = graph.producer(source.inputs[0])
    table = found[-1].inputs[0] if found else ""
    return tuple(found) if table and graph.is_constant(table) and graph.value(table).dtype == dtype else ()


def _moves_on(graph: GraphView, node: Node, dtype: str | None) -> bool:
    """Whether the node moves elements, or casts those of `dtype` to whole numbers that hold them all, or back."""
    return node.op in MOVES or (node.op == "Cast" and graph.value(node.outputs[0]).dtype in ("int32", "int64", dtype))
