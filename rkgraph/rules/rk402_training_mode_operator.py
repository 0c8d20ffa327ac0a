"""RK402: an operator that was exported as it works in training: random, and not built."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Verdict
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live Dropout or BatchNormalization whose training mode is switched on."""
    for graph in lint.model.graphs():
        for node in lint.live_nodes(graph):
            if node.domain in ("", "ai.onnx") and _is_training(graph, node):
                does = "drops elements at random" if node.op == "Dropout" else "normalises by the batch at hand"
                yield Finding(
                    f"{node.op} is in training mode and {does}; the model was exported while it was being trained",
                    graph=graph.path,
                    node=node,
                    observed={"training_mode": True},
                    limit={"training_mode": False},
                    evidence=("rewrites:training-mode",),
                    verdict=Verdict.BUILD_FAILS,
                )


def _is_training(graph: GraphView, node: Node) -> bool:
    """Whether the mode is on for certain: Dropout has it as third input since opset 12, others as attribute."""
    if node.op == "BatchNormalization":
        return bool(node.attributes.get("training_mode", 0))
    if node.op != "Dropout" or len(node.inputs) < 3:
        return False
    mode = graph.constant(node.inputs[2])
    return mode is not None and any(mode.values)
