"""RK214: a Where of five or six dimensions, or of none, which kills the toolkit: in four dimensions it runs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import EXACT
from rkgraph.rulebook.known import NotKnown, lower, shape_of
from rkgraph.rulebook.lowering import CANNOT_RUN, needing, not_as_it_is
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer

_RANK = 4
_FLOATS = ("float16", "float32", "float64")


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live Where of floats of such a rank that cannot run."""
    for graph, node in needing(lint, ("Where",), CANNOT_RUN | {"npu", "cpu"}):
        value = graph.value(node.outputs[0])
        shape = value.shape
        if value.dtype not in _FLOATS or shape is None or 0 < len(shape) <= _RANK:
            continue
        if lint.judgement(node).outcome in CANNOT_RUN:
            yield not_as_it_is(lint, graph, node, "with its first dimensions taken together it runs")
        elif len(shape) > _RANK + 1 or (shape and all(size != 1 for size in shape[:2])):
            # The table has this of Y alone; measured, it is the shape of the result that counts.
            yield Finding(
                f"{node.label} chooses in {len(shape)} dimensions {list(shape)}, and the toolkit dies of that",
                graph=graph.path,
                node=node,
                observed={"shape": list(shape)},
                limit={"shape": "four dimensions, or five with a 1 among the first two"},
                verdict=Verdict.BUILD_FAILS,
                explains=frozenset({(graph.path, node.index)}),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same choice in four dimensions, or in one."""
    return lower(lint, finding, "rk214", _write)


def _write(graph: GraphView, node: Node, w: Writer) -> Rewrite:
    shape = shape_of(graph, node.outputs[0])
    if 0 < len(shape) <= _RANK:
        raise NotKnown(f"{node.label} has {len(shape)} dimensions; only more than {_RANK} are taken together")
    operands = [_merged(graph, w, name, shape) for name in node.inputs]
    chosen = w.reshape(w.op("Where", *operands), shape)
    return w.rewrite({node.outputs[0]: chosen}, EXACT, f"{len(shape)} dimensions as {min(_RANK, max(len(shape), 1))}")


def _merged(graph: GraphView, w: Writer, name: str, shape: tuple[int, ...]) -> str:
    """`name`, which is broadcast to `shape`, with all dimensions but the last three taken together."""
    own = shape_of(graph, name)
    if not shape:
        return w.reshape(name, (1,))
    own = (1,) * (len(shape) - len(own)) + own
    cut = len(shape) - _RANK + 1
    if own[:cut] not in (shape[:cut], (1,) * cut):
        name, own = w.op("Expand", name, w.integers(shape, "shape")), shape
    return w.reshape(name, (math.prod(own[:cut]), *own[cut:]))
