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
        rank = _rank_of_planes(graph, node)
        if rank:
            yield Finding(
                f"{node.op} over the planes of each channel runs on the CPU; as GlobalMaxPool it runs on the NPU",
                graph=graph.path,
                node=node,
                observed={"operator": node.op, "rank": rank},
                explains=frozenset({(graph.path, node.index)}),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Write the reduction as a global pool, the smallest number as minus the largest of minus."""
    return lower(lint, finding, "rk152", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    rank = _rank_of_planes(graph, node)
    x, is_largest = node.inputs[0], node.op == "ReduceMax"
    pooled = write.op("GlobalMaxPool", x if is_largest else write.op("Neg", x))
    new = pooled if is_largest else write.op("Neg", pooled)
    if not node.attributes.get("keepdims", 1):
        new = write.squeeze(new, range(2, rank))
    # bit for bit, but for planes with a NaN, of which ONNX Runtime makes one thing or the other
    return write.rewrite({node.outputs[0]: new}, Tolerance(0.0, 1e-7), f"{node.op} as GlobalMaxPool")


def _rank_of_planes(graph: GraphView, node: Node) -> int:
    """The rank of a float input that is reduced over just the axes behind the second one; 0 for all else."""
    value = graph.value(node.inputs[0])
    rank = len(value.shape or ())
    if value.dtype not in FLOATS or rank not in RANKS or 0 in (value.shape or ()):
        return 0
    try:
        axes = reduced_axes(graph, node, rank)
    except NotKnown:
        return 0
    return rank if axes == tuple(range(2, rank)) else 0
