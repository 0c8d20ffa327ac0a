"""RK142: a mean over height and width that drops these dimensions, which the compiler keeps all the same."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Rewrite
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import input_of, lower
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

PLANES = (2, 3)
RANK = 4
VERSIONS = frozenset({"2.3.2"})  # 2.2.0, 2.3.0 and 2.5.0 build it
HARMLESS = frozenset({"Flatten", "Identity", "Cast"})
"""Readers that make two dimensions of four, or do not mind."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each mean over the axes 2 and 3, in this order, without keepdims, that somebody reads."""
    if lint.target.toolkit not in VERSIONS:
        return
    for graph in lint.model.graphs():
        if "ReduceMean" not in graph.ops:
            continue
        for node in lint.live_nodes(graph):
            if node.op == "ReduceMean" and node.domain in ("", "ai.onnx") and _is_squeezed(graph, node):
                readers = [n.label for n in graph.consumers(node.outputs[0]) if n.op not in HARMLESS]
                if readers:
                    yield Finding(
                        f"a mean over height and width without keepdims: the toolkit keeps the dimensions, and "
                        f"{readers[0]} is given four of them",
                        graph=graph.path,
                        node=node,
                        observed={"axes": list(PLANES), "keepdims": 0},
                        limit={"keepdims": 1},
                        verdict=Verdict.BUILD_FAILS,
                        explains=frozenset({(graph.path, node.index)}),
                    )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Keep the dimensions, and drop them in a node of its own."""
    return lower(lint, finding, "rk142", _write)


def _write(_graph: GraphView, node: Node, write: Writer) -> Rewrite:
    mean = write.reduce("ReduceMean", node.inputs[0], PLANES)
    return write.rewrite({node.outputs[0]: write.squeeze(mean, PLANES)}, EXACT, "dimensions dropped by Squeeze")


def _is_squeezed(graph: GraphView, node: Node) -> bool:
    shape = graph.value(node.inputs[0]).shape
    if shape is None or len(shape) != RANK or node.attributes.get("keepdims", 1):
        return False
    axes = node.attributes.get("axes")
    if axes is None and input_of(node, 1):
        constant = graph.constant(node.inputs[1])
        axes = None if constant is None else constant.values
    return axes is not None and tuple(axis % RANK for axis in axes) == PLANES
