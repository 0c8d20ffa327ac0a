"""RK526: a Where whose X or Y is a single computed number: the toolkit dies of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.analysis.defects import defect
from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Rewrite
from rkgraph.rulebook.known import NotKnown, float_of, lower, shape_of
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer

NAME = "choice-of-single-numbers"
RANKS = range(1, 5)


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live Where of floats that chooses a computed number that is alone."""
    known = defect(NAME)
    if lint.table.version not in known.fails:
        return
    for graph in lint.model.graphs():
        if "Where" not in graph.ops:
            continue
        for node in lint.live_nodes(graph):
            alone = _alone(graph, node) if node.op == "Where" and not lint.is_constant(graph, node.outputs[0]) else []
            if alone:
                yield Finding(
                    f"Where chooses a computed number that is alone ({', '.join(alone)}): the toolkit dies of it",
                    graph=graph.path,
                    node=node,
                    observed={"values": alone},
                    limit={"elements": "2 or more"},
                    evidence=known.evidence,
                    verdict=Verdict.BUILD_FAILS,
                    explains=frozenset({(graph.path, node.index)}),
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The number as often as the result has places; twice where that is one number, too."""
    return lower(lint, finding, "rk526", _write)


def _alone(graph: GraphView, node: Node) -> list[str]:
    """X and Y of the node that are computed floats of one element, and of a rank that the board has."""
    names = []
    for name in node.inputs[1:]:
        try:
            float_of(graph, name)
            shape = shape_of(graph, name)
        except NotKnown:
            continue
        if len(shape) in RANKS and math.prod(shape) == 1 and not graph.is_constant(name):
            names.append(name)
    return names


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    shape, alone = shape_of(graph, node.outputs[0]), _alone(graph, node)
    if math.prod(shape) > 1:
        many = [
            write.op("Expand", name, write.integers(shape, "shape")) if name in alone else name for name in node.inputs
        ]
        return write.rewrite({node.outputs[0]: write.op("Where", *many)}, EXACT, f"{math.prod(shape)} times")
    if any(graph.is_constant(name) for name in node.inputs[1:]):
        raise NotKnown("one of its two numbers is a constant: no form of it is known that builds")
    last = len(shape) - 1
    pairs = [_twice(graph, write, name, len(shape)) for name in node.inputs[1:]]
    both = write.op("Where", node.inputs[0], *pairs)
    return write.rewrite({node.outputs[0]: write.slice(both, [last], [0], [1])}, EXACT, "both numbers twice")


def _twice(graph: GraphView, write: Writer, name: str, rank: int) -> str:
    """The number twice, along the last of `rank` axes."""
    own = len(shape_of(graph, name))
    value = name if own == rank else write.reshape(name, (1,) * rank)
    return write.concat([value, value], rank - 1)
