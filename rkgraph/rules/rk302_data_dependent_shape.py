"""RK302: a shape that depends on the elements of a tensor, so that no fixed input shape makes it static."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.analysis.origins import CONTROL_INPUTS, DATA_SHAPED, SHAPE_INPUTS, Origin
from rkgraph.diagnostics import Verdict
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.rule import Finding, LintContext

# Operators that make or take values which are no tensors (strings aside, see `_strange_values`).
NOT_TENSORS = frozenset(
    {
        "ConcatFromSequence",
        "Optional",
        "OptionalGetElement",
        "OptionalHasElement",
        "SequenceAt",
        "SequenceConstruct",
        "SequenceEmpty",
        "SequenceErase",
        "SequenceInsert",
        "SequenceLength",
        "SequenceMap",
        "SplitToSequence",
    }
)


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live node whose shape, or number of runs, is decided by data."""
    for graph in lint.model.graphs():
        for node in lint.live_nodes(graph):
            if node.domain not in ("", "ai.onnx"):
                continue
            reason = _reason(lint, graph, node)
            if reason:
                yield Finding(
                    f"{reason}; the compiler needs every shape before it starts",
                    graph=graph.path,
                    node=node,
                    observed={"operator": node.op},
                    limit={"shapes": "known before lowering"},
                    verdict=Verdict.BUILD_FAILS,
                    roots=("RK302",),
                )


def _reason(lint: LintContext, graph: GraphView, node: Node) -> str | None:
    if node.op in DATA_SHAPED:
        return f"how much {node.op} returns depends on the elements of its input"
    for position in SHAPE_INPUTS.get(node.op, ()):
        if _is_data(lint, graph, node, position):
            return f"input {position} of {node.op} ({node.inputs[position]}) is computed from data and decides a shape"
    for position in CONTROL_INPUTS.get(node.op, ()):
        if _is_data(lint, graph, node, position):
            return (
                f"input {position} of {node.op} ({node.inputs[position]}) is computed from data and decides what runs"
            )
    if node.op in NOT_TENSORS:
        return f"{node.op} works on sequences or optional values, whose sizes are known only at run time"
    return None


def _is_data(lint: LintContext, graph: GraphView, node: Node, position: int) -> bool:
    if position >= len(node.inputs) or not node.inputs[position]:
        return False
    return lint.origin(graph, node.inputs[position]) is Origin.DATA
