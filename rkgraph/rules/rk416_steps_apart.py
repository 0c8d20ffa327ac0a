"""RK416: the same computed of each step of a value, step by step, and put together again."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import NotKnown, float_of, lower, rounding, shape_of
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.steps import Steps, read_steps, written
from rkgraph.rulebook.writer import Writer

FEWEST = 3
"""Steps from which on it is told."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Concat of that many equal steps."""
    for graph in lint.model.graphs():
        if "Concat" not in graph.ops:
            continue
        for node in lint.live_nodes(graph):
            steps = _steps(graph, node)
            if steps is not None:
                yield Finding(
                    f"{node.label} puts {steps.count} steps together that are computed one by one, in {steps.nodes} "
                    f"nodes: {len(steps.body)} do the same of all of {steps.x}",
                    graph=graph.path,
                    node=node,
                    observed={"steps": steps.count, "nodes": steps.nodes},
                    explains=frozenset(),
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The operators once, on all steps."""
    return lower(lint, finding, "rk416", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    dtype, steps = float_of(graph, node.outputs[0]), read_steps(graph, node)
    products = [shape_of(graph, one.inputs[1])[0] for one in steps.body if one.op == "MatMul"]
    result = written(graph, steps, write)
    return write.rewrite(
        {node.outputs[0]: result}, rounding(dtype, math.prod(products)), f"{steps.count} steps at once"
    )


def _steps(graph: GraphView, node: Node) -> Steps | None:
    if node.op != "Concat" or node.domain not in ("", "ai.onnx") or len(node.inputs) < FEWEST:
        return None
    try:
        float_of(graph, node.outputs[0])
        return read_steps(graph, node)
    except NotKnown:
        return None
