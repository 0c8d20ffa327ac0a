"""RK211: EyeLike and Size, for which the board has no kernel: only a shape decides them, and that is known."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import EXACT
from rkgraph.graph.tensors import dtype_name
from rkgraph.rulebook.known import NotKnown, dtype_of, lower, shape_of
from rkgraph.rulebook.lowering import needing, not_as_it_is

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import Finding, LintContext
    from rkgraph.rulebook.writer import Writer

LARGEST = 2**24
"""Elements of a matrix that is written down: 64 MiB of float32."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live one that cannot run."""
    for graph, node in needing(lint, ("EyeLike", "Size")):
        yield not_as_it_is(lint, graph, node, "the shape of its input decides it, and a constant will do")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The constant."""
    return lower(lint, finding, "rk211", _write)


def _write(graph: GraphView, node: Node, w: Writer) -> Rewrite:
    shape = shape_of(graph, node.inputs[0])
    if node.op == "Size":
        return w.rewrite({node.outputs[0]: w.constant(math.prod(shape), "int64", "size")}, EXACT, "a constant")
    if math.prod(shape) > LARGEST:
        raise NotKnown(f"{node.outputs[0]} has {math.prod(shape)} elements, more than {LARGEST}")
    import numpy as np

    code = node.attributes.get("dtype")
    dtype = dtype_of(graph, node.inputs[0]) if code is None else dtype_name(code)
    rows, columns = shape
    ones = np.eye(rows, columns, k=node.attributes.get("k", 0))
    return w.rewrite({node.outputs[0]: w.constant(ones, dtype or "float32", "eye")}, EXACT, "a constant")
