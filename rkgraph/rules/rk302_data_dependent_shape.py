"""RK302: a shape that depends on the elements of a tensor, so that no fixed input shape makes it static."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.analysis.origins import CONTROL_INPUTS, DATA_SHAPED, SHAPE_INPUTS, Origin
from rkgraph.diagnostics import Verdict
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.targets import constant_inputs

# Operators that make or take values which are no tensors (strings aside).
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

# Refused at load wherever it stands, so also where nothing needs it.
NEVER_LOADED = frozenset({"SequenceConstruct"})

NEEDED = "the compiler needs every shape before it starts"
GUESSED = (
    "the compiler builds for the value that its own dummy input gives, and what it builds is right for that one only"
)


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each node whose shape, or number of runs, is decided by data.

    Where the op table has measured that such a node builds all the same, the compiler has guessed.
    """
    for graph in (lint.model.main, *lint.model.functions):
        for node in graph.nodes:
            reason = _reason(lint, graph, node) if _is_looked_at(lint, node) else None
            if reason is None:
                continue
            ends = node.op in NEVER_LOADED or _ends_build(lint, graph, node)
            if not ends and (node.op in NOT_TENSORS or node.op in CONTROL_INPUTS):
                continue  # it was given tensors all the same, or its bodies fold
            yield Finding(
                f"{reason}; {NEEDED if ends else GUESSED}",
                graph=graph.path,
                node=node,
                observed={"operator": node.op},
                limit={"shapes": "known before lowering"},
                verdict=Verdict.BUILD_FAILS if ends else None,
                roots=("RK302", "RK320"),
            )


def _is_looked_at(lint: LintContext, node: Node) -> bool:
    """Live nodes, and of those that fold or are dead the ones that the toolkit checks first."""
    if node.domain not in ("", "ai.onnx"):
        return False
    place = (node.path, node.index)
    if place in lint.folding.constant:
        return node.op in NEVER_LOADED or node.op in SHAPE_INPUTS
    if place in lint.folding.dead:
        return node.op in NEVER_LOADED or node.op in SHAPE_INPUTS or node.op in CONTROL_INPUTS
    return True


def _ends_build(lint: LintContext, graph: GraphView, node: Node) -> bool:
    """False where the node folds, or where no check refuses it and the table has measured that such a node builds."""
    if (node.path, node.index) in lint.folding.constant:
        return False
    checked = constant_inputs().get(node.op, ())
    if any(p < len(node.inputs) and node.inputs[p] and not lint.is_constant(graph, node.inputs[p]) for p in checked):
        return True
    return _fails_with_zeros(graph, node) or lint.judgement(node).outcome in ("build-fails", "unknown")


def _fails_with_zeros(graph: GraphView, node: Node) -> bool:
    """Whether axes that are all 0, which is what the toolkit feeds, are none of the node."""
    if node.op not in ("Squeeze", "Unsqueeze") or len(node.inputs) < 2:
        return False
    data, axes = (graph.value(name).shape or ("?",) for name in node.inputs[:2])
    decides = data[0] if node.op == "Squeeze" else axes[0]  # 0 is an axis of size 1; two axes are not both 0
    return isinstance(decides, int) and decides != 1


def _reason(lint: LintContext, graph: GraphView, node: Node) -> str | None:
    if any(_is_data(lint, graph, node, position) for position in DATA_SHAPED.get(node.op, ())):
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
