"""RK520: a mean over height and width whose dimensions are dropped, which the toolkit takes for one that keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.analysis.defects import defect
from rkgraph.diagnostics import Severity, Verdict
from rkgraph.rulebook.known import NotKnown, float_of, lower, reduced_axes, rounding, shape_of
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer

NAME = "mean-over-plane"
PLANE = (2, 3)  # of N, C, H, W


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live ReduceMean of that form, where the version at hand has trouble with it."""
    known = defect(NAME)
    version = lint.table.version
    if version not in (*known.fails, *known.wastes):
        return
    for graph in lint.model.graphs():
        for node in graph.nodes_of("ReduceMean"):
            if (graph.path, node.index) in lint.folded or not _is_plane_mean(graph, node):
                continue
            ends = version in known.fails and bool(graph.consumers(node.outputs[0]))
            yield Finding(
                f"{node.label} takes the mean over height and width and drops both; "
                + (f"{version} keeps them and then refuses what reads it" if ends else f"{version} does it in detours"),
                graph=graph.path,
                node=node,
                observed={"axes": list(PLANE), "keepdims": 0},
                limit={"form": "GlobalAveragePool, Flatten"},
                evidence=known.evidence,
                severity=Severity.ERROR if ends else Severity.WARNING,
                verdict=Verdict.BUILD_FAILS if ends else None,
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same mean as a GlobalAveragePool, whose dimensions of 1 a Flatten drops."""
    return lower(lint, finding, "rk520", _write)


def _write(graph: GraphView, node: Node, w: Writer) -> Rewrite:
    dtype, shape = float_of(graph, node.inputs[0]), shape_of(graph, node.inputs[0])
    pooled = w.op("GlobalAveragePool", node.inputs[0])
    new = w.op("Flatten", pooled, axis=1)
    return w.rewrite({node.outputs[0]: new}, rounding(dtype, shape[2] * shape[3]), "GlobalAveragePool, Flatten")


def _is_plane_mean(graph: GraphView, node: Node) -> bool:
    """Whether the axes are 2 and 3 of 4, written in that order (the other one is harmless), and are dropped."""
    shape = graph.value(node.inputs[0]).shape
    if shape is None or len(shape) != len(PLANE) + 2 or node.attributes.get("keepdims", 1):
        return False
    try:
        axes = reduced_axes(graph, node, len(shape))
    except NotKnown:
        return False
    return axes == PLANE and _in_order(graph, node)


def _in_order(graph: GraphView, node: Node) -> bool:
    given = node.attributes.get("axes")
    if given is None:
        constant = graph.constant(node.inputs[1]) if len(node.inputs) > 1 else None
        given = constant.values if constant is not None else ()
    return tuple(axis % 4 for axis in given) == PLANE
