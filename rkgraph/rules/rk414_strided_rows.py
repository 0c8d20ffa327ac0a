"""RK414: every second element of sliced rows: on the CPU; as a product with a matrix of zeros and ones, on the NPU."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rkgraph.graph.rewrite import Between, Edit, Refusal, Rewrite, Tolerance
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import FLOATS, LARGEST_OF, NotKnown, lower, shape_of
from rkgraph.rulebook.lowering import SLOW, needing
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.slicing import Cut, is_of_sliced_rows, read_slice
from rkgraph.rulebook.writer import Writer


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each such Slice of floats that runs on the CPU."""
    for graph, node in needing(lint, ("Slice",), SLOW):
        cut = _cut(graph, node)
        if cut is not None:
            yield Finding(
                f"{node.label} takes every {abs(cut.step)}th element of the last axis of a Slice: it runs on the CPU",
                graph=graph.path,
                node=node,
                observed={"step": cut.step, "elements": len(cut.places)},
                explains=frozenset({(graph.path, node.index)}),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The product that picks these elements."""
    return lower(lint, finding, "rk414", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    import numpy as np  # lint imports rules, and has no time for numpy

    cut = _cut(graph, node)
    if cut is None:
        raise NotKnown(f"{node.label} does not take every so many elements of the last axis of a Slice")
    x = node.inputs[0]
    dtype = graph.value(x).dtype or ""
    picks = np.zeros((cut.size, len(cut.places)))
    picks[list(cut.places), range(len(cut.places))] = 1
    product = write.op("MatMul", x, write.constant(picks, dtype, "picks"))
    bounds = {x: Between(-LARGEST_OF[dtype], LARGEST_OF[dtype])}  # an infinity times zero is NaN
    return write.rewrite(
        {node.outputs[0]: product}, Tolerance(0.0, 1e-7), f"{len(cut.places)} of {cut.size}", within=bounds
    )


def _cut(graph: GraphView, node: Node) -> Cut | None:
    try:
        if graph.value(node.inputs[0]).dtype not in FLOATS or not is_of_sliced_rows(graph, node):
            return None
        cut = next(cut for cut in read_slice(graph, node) if cut.step != 1)
        elements = math.prod(shape_of(graph, node.inputs[0]))
    except (NotKnown, StopIteration):
        return None
    return cut if len(cut.places) * cut.size <= elements else None
