"""RK216: Hardmax in versions that do not know it, by the place of the largest."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from rkgraph.graph.rewrite import EXACT, Between, Edit, Refusal, Rewrite
from rkgraph.rulebook.known import LARGEST_OF, axis_of, float_of, lower, shape_of
from rkgraph.rulebook.lowering import CANNOT_RUN, needing, not_as_it_is

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import Finding, LintContext
    from rkgraph.rulebook.writer import Writer

ONE_AXIS = 13  # of one axis since this opset, the last one by default; before, of all from `axis` (1) on


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Hardmax of a target on which none runs; what fails of its form alone is RK151's."""
    for graph, node in needing(lint, ("Hardmax",)):
        entry = lint.judgement(node).entry
        if entry is not None and entry.outcome in CANNOT_RUN:
            yield not_as_it_is(lint, graph, node, "an ArgMax, compared with the numbers of the places, is the same")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """1 where the number of an element is that of the first of the largest, else 0."""
    return lower(lint, finding, "rk216", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    x = node.inputs[0]
    dtype, shape = float_of(graph, x), shape_of(graph, x)
    axis = axis_of(node, len(shape), -1 if graph.opset >= ONE_AXIS else 1)
    before, size, behind = math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])
    if graph.opset < ONE_AXIS:
        size, behind = size * behind, 1
    flat = (before, size) if behind == 1 else (before, size, behind)
    rows = x if flat == shape else write.reshape(x, flat)
    place = write.op("ArgMax", rows, axis=1, keepdims=1)
    ramp = write.constant(np.arange(size).reshape(1, size, *([1] * (len(flat) - 2))), "int64", "places")
    ones = write.cast(write.op("Equal", place, ramp), dtype)
    new = ones if flat == shape else write.reshape(ones, shape)
    within = {x: Between(-LARGEST_OF[dtype], LARGEST_OF[dtype])}  # among NaN none is the largest
    return write.rewrite({node.outputs[0]: new}, EXACT, f"the first of the largest of {size}", within=within)
