"""RK411: a distance as the mean of a softmax over bins, with bins and sides swapped before: the decode of YOLO v8."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Device
from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import NotKnown, float_of, lower, rounding, shape_of
from rkgraph.rulebook.pattern import Match, match, pattern
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

VERSIONS = frozenset({"2.3.2", "2.5.0"})  # 2.2.0 and 2.3.0 compute a Softmax along the third axis on the CPU
SWAPPED = (0, 2, 1, 3)
SOFTMAX_OF_ONE_AXIS = 13
"""Opset from which Softmax runs along its axis alone."""

_MEAN = pattern("Conv(softmax=Softmax(swap=Transpose(x)), weights)")


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each such Conv of one row of weights, without bias."""
    if lint.target.precision != "fp16" or lint.target.toolkit not in VERSIONS:
        return
    for graph in lint.model.graphs():
        if not {"Conv", "Softmax", "Transpose"} <= graph.ops:
            continue
        for node in lint.live_nodes(graph):
            found = _mean(graph, node)
            if found is not None:
                bins = graph.value(found.values["weights"]).shape
                yield Finding(
                    f"{node.label} takes the mean of a softmax over {bins[1] if bins else '?'} bins that were moved to "
                    "the channels: the compiler moves the sides to the batch, and back on the CPU",
                    graph=graph.path,
                    node=node,
                    observed={"bins": bins[1] if bins else None},
                    evidence=("facts:cards",),
                    device=Device.CPU,
                    explains=frozenset(),
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The softmax along the bins where they are, and the mean as a product with a row."""
    return lower(lint, finding, "rk411", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    found = _mean(graph, node)
    if found is None:
        raise NotKnown(f"{node.label} is no mean of a softmax over swapped channels")
    row = graph.constant(found.values["weights"])
    if row is None:
        raise NotKnown(f"the weights of {node.label} are no small constant")
    x, dtype, shape = found.values["x"], float_of(graph, node.outputs[0]), shape_of(graph, node.outputs[0])
    weights = write.constant([[[list(row.values)]]], dtype, "bins")
    mean = write.op("MatMul", weights, write.op("Softmax", x, axis=2))
    result = write.reshape(mean, shape)
    return write.rewrite({node.outputs[0]: result}, rounding(dtype, len(row.values)), "the mean as a product")


def _mean(graph: GraphView, node: Node) -> Match | None:
    if node.op != "Conv" or node.domain not in ("", "ai.onnx") or len(node.inputs) != 2:
        return None
    found = match(graph, node.outputs[0], _MEAN)
    if not isinstance(found, Match) or graph.opset < SOFTMAX_OF_ONE_AXIS:
        return None
    softmax, swap = found.named["softmax"], found.named["swap"]
    if swap.attributes.get("perm") != SWAPPED or softmax.attributes.get("axis", -1) not in (1, -3):
        return None
    try:
        weights, result = shape_of(graph, found.values["weights"]), shape_of(graph, node.outputs[0])
        outer = shape_of(graph, found.values["x"])
    except NotKnown:
        return None
    plain = weights == (1, outer[2], 1, 1) and result == (outer[0], 1, outer[1], outer[3])
    return found if plain and graph.constant(found.values["weights"]) is not None else None
