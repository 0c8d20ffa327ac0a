"""RK151: Softmax, LogSoftmax and Hardmax of many dimensions, or of old opsets over an axis counted from the end."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Rewrite
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import NotKnown, axis_of, float_of, lower, rounding, shape_of
from rkgraph.rulebook.lowering import CANNOT_RUN
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

NEAR = 8  # nodes in front of a LogSoftmax, through which the toolkit moves a Transpose

OPS = frozenset({"Softmax", "LogSoftmax", "Hardmax"})
ONE_AXIS = 13  # of one axis since this opset, the last one by default; before, of all from `axis` (1) on
FEW, IMAGES = 3, 4
OLD = "of opset"
"""How the one trouble is worded that builds, and computes wrong numbers."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live node of these that does not come out right."""
    for graph in lint.model.graphs():
        if graph.ops.isdisjoint(OPS):
            continue
        for node in lint.live_nodes(graph):
            if node.op in OPS and node.domain in ("", "ai.onnx"):
                trouble = _trouble(lint, graph, node)
                is_old = trouble.startswith(OLD)
                if trouble:
                    yield Finding(
                        f"{node.op} {trouble}",
                        graph=graph.path,
                        node=node,
                        observed={"axis": node.attributes.get("axis"), "opset": graph.opset},
                        verdict=None if is_old else Verdict.BUILD_FAILS,
                        wrong_numbers=is_old,
                        explains=frozenset({(graph.path, node.index)}),
                    )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Count the axis from the front, or make three dimensions of many."""
    return lower(lint, finding, "rk151", _write)


def _trouble(lint: LintContext, graph: GraphView, node: Node) -> str:
    """What does not come out right, "" for nothing; measured on rknn-toolkit2 2.2.0 to 2.5.0."""
    shape = graph.value(node.inputs[0]).shape
    if shape is None:
        return ""
    if _is_turned(graph, node):
        return "counts its axis from the end behind a Transpose, which ends the build: -1 is not in list"
    if graph.opset < ONE_AXIS and node.attributes.get("axis", 1) < -1:  # the last axis is the last one either way
        return (
            f"{OLD} {graph.opset} counts its axis from the end: it builds, and is computed along the first axis alone"
        )
    large = sum(size != 1 for size in shape)
    of_the_last = (
        node.op != "LogSoftmax" and graph.opset < ONE_AXIS and node.attributes.get("axis", 1) == -1 and large > IMAGES
    )
    if len(shape) > FEW and (of_the_last or lint.judgement(node).outcome in CANNOT_RUN):
        return f"of {len(shape)} dimensions ends the build; three are enough"
    return ""


def _is_turned(graph: GraphView, node: Node) -> bool:
    """Whether a LogSoftmax counts its axis from the end, and a Transpose lies in front: the toolkit swaps them."""
    default = -1 if graph.opset >= ONE_AXIS else 1
    if node.op != "LogSoftmax" or node.attributes.get("axis", default) >= 0:
        return False
    name = node.inputs[0]
    for _ in range(NEAR):
        maker = graph.producer(name)
        if maker is None or not maker.inputs:
            return False
        if maker.op == "Transpose":
            return True
        name = maker.inputs[0]
    return False


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    x = node.inputs[0]
    dtype, shape = float_of(graph, x), shape_of(graph, x)
    rank = len(shape)
    axis = axis_of(node, rank, -1 if graph.opset >= ONE_AXIS else 1)
    if _is_turned(graph, node) or (graph.opset < ONE_AXIS and node.attributes.get("axis", 1) < -1):
        new = write.op(node.op, x, axis=axis)
        return write.rewrite({node.outputs[0]: new}, EXACT, f"axis {axis} of {rank}")
    if rank <= FEW:
        raise NotKnown(f"{node.op} of rank {rank} is as simple as it can be")
    before, size, behind = math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])
    if graph.opset < ONE_AXIS:
        size, behind = size * behind, 1
    flat = (before, size) if behind == 1 else (before, size, behind)
    new = write.reshape(write.op(node.op, write.reshape(x, flat), axis=1), shape)
    return write.rewrite({node.outputs[0]: new}, rounding(dtype, size), f"{node.op} over {size} of {list(flat)}")
