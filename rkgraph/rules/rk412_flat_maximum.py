"""RK412: a maximum or minimum of values with two or three dimensions: on the CPU, with four on the NPU."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Rewrite
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import FLOATS, NotKnown, lower, shape_of
from rkgraph.rulebook.lowering import SLOW, needing
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

RANKS = (2, 3)


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Max and Min of floats of these ranks that runs on the CPU."""
    for graph, node in needing(lint, ("Max", "Min"), SLOW):
        if _shape(graph, node) is not None:
            rank = len(graph.value(node.outputs[0]).shape or ())
            yield Finding(
                f"{node.op} of values with {rank} dimensions runs on the CPU, between Reshapes; with 4, on the NPU",
                graph=graph.path,
                node=node,
                observed={"rank": rank},
                limit={"rank": 4},
                explains=frozenset({(graph.path, node.index)}),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same in four dimensions, as the compiler has such values on the NPU."""
    return lower(lint, finding, "rk412", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    shape = _shape(graph, node)
    if shape is None:
        raise NotKnown(f"{node.label} has no static shape of 2 or 3 dimensions")
    parts = [write.reshape(name, _four(shape_of(graph, name), len(shape))) for name in node.inputs]
    result = write.reshape(write.op(node.op, *parts), shape)
    return write.rewrite({node.outputs[0]: result}, EXACT, f"{node.op} in four dimensions")


def _shape(graph: GraphView, node: Node) -> tuple[int, ...] | None:
    """The shape of the result; None where it is not rewritten."""
    try:
        shape = shape_of(graph, node.outputs[0])
        known = [shape_of(graph, name) for name in node.inputs]
    except NotKnown:
        return None
    fits = len(shape) in RANKS and len(known) > 1 and graph.value(node.outputs[0]).dtype in FLOATS
    return shape if fits else None


def _four(shape: tuple[int, ...], rank: int) -> tuple[int, ...]:
    """A shape that is broadcast to `rank` dimensions, with axes of size 1 where the compiler has them."""
    whole = (1,) * (rank - len(shape)) + shape
    return (*whole, 1, 1) if rank == RANKS[0] else (*whole[:2], 1, whole[2])
