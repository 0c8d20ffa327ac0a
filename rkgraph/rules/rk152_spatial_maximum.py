"""RK152: the largest or smallest number of each plane, as a reduction on the CPU instead of a pool on the NPU."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.graph.rewrite import Edit, Refusal, Rewrite, Tolerance
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import FLOATS, NotKnown, lower, reduced_axes
from rkgraph.rulebook.lowering import SLOW, needing
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

RANKS = (3, 4, 5)


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each ReduceMax or ReduceMin over all axes behind the channels that runs on the CPU."""
    for graph, node in needing(lint, ("ReduceMax", "ReduceMin"), SLOW):
        pooled = _pooled(graph, node)
        if pooled is not None:
            yield Finding(
                f"{node.op} over the planes of each channel runs on the CPU; as GlobalMaxPool it runs on the NPU",
                graph=graph.path,
                node=node,
                observed={"operator": node.op, "rank": len(graph.value(pooled).shape or ())},
                explains=frozenset({(graph.path, node.index)}),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Write the reduction as a global pool, the smallest number as minus the largest of minus."""
    return lower(lint, finding, "rk152", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    x = _pooled(graph, node)
    if x is None:
        raise NotKnown(f"{node.label} does not reduce planes")
    is_largest = node.op == "ReduceMax"
    new = write.op("GlobalMaxPool", x if is_largest else write.op("Neg", x))
    new = new if is_largest else write.op("Neg", new)
    if not node.attributes.get("keepdims", 1):
        new = write.squeeze(new, range(2, len(graph.value(x).shape or ())))
    elif x != node.inputs[0]:
        maker = graph.producer(node.inputs[0])
        new = write.transpose(new, () if maker is None else maker.attributes["perm"])
    # bit for bit, but for planes with a NaN, of which ONNX Runtime makes one thing or the other
    return write.rewrite({node.outputs[0]: new}, Tolerance(0.0, 1e-7), f"{node.op} as GlobalMaxPool")


def _pooled(graph: GraphView, node: Node) -> str | None:
    """The value of floats whose planes are reduced, all axes behind its second one; None where it is not so.

    Where channels were moved behind the planes by a Transpose, as TensorFlow has them, it is the value before that.
    """
    value = graph.value(node.inputs[0])
    rank = len(value.shape or ())
    if value.dtype not in FLOATS or rank not in RANKS or 0 in (value.shape or ()):
        return None
    try:
        axes = reduced_axes(graph, node, rank)
    except NotKnown:
        return None
    if axes == tuple(range(2, rank)):
        return value.name
    maker = graph.producer(value.name)
    if maker is None or maker.op != "Transpose" or maker.domain not in ("", "ai.onnx"):
        return None
    is_last = maker.attributes.get("perm") == (0, *range(2, rank), 1)
    return maker.inputs[0] if is_last and axes == tuple(range(1, rank - 1)) else None
