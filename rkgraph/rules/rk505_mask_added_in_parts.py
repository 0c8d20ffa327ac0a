"""RK505: masks or biases added to attention scores one after the other, which keeps the attention from being fused."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.graph.rewrite import Between, Edit, Refusal, Rewrite, Tape, Tolerance
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.pattern import Match, match_any, pattern
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext

SCORES = ("MatMul(q, k)", "Mul(MatMul(q, k), #scale)", "Div(MatMul(q, k), #scale)")
FORMS = tuple(pattern(f"Softmax(outer=Add(inner=Add(scores={scores}, first), second))") for scores in SCORES)

LARGEST = 30000.0
"""Scores and masks are taken to lie within ± this, so that no sum of two leaves fp16."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each softmax over scores to which two things were added in turn."""
    for graph in lint.model.graphs():
        for node in graph.nodes_of("Softmax"):
            found = match_any(graph, node.outputs[0], FORMS)
            if (graph.path, node.index) in lint.folded or not isinstance(found, Match):
                continue
            yield Finding(
                f"two values are added to the scores of {node.label} one after the other; the compiler fuses attention "
                "with one addition",
                graph=graph.path,
                node=found.named["outer"],
                observed={key: found.values[key] for key in ("first", "second")}
                | {"scores": found.named["scores"].outputs[0]},
                limit={"additions": 1},
                evidence=("rewrites:mask-forms",),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Add the two to each other first: it is done once, on what is mostly smaller, and leaves one addition."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    scores, first, second = (finding.observed[key] for key in ("scores", "first", "second"))
    if not _shape_stays(graph, node, scores):
        return Refusal("an addition widens the scores, so that the order decides the shapes")
    tape = Tape(f"rk505/{node.outputs[0]}")
    total = tape.op("Add", scores, tape.op("Add", first, second))
    bound = Between(-LARGEST, LARGEST)
    # Three roundings in another order; next to a fill of 1e4, float32 resolves 1e-3.
    return Rewrite(
        {node.outputs[0]: total},
        tape,
        Tolerance(1e-2, 1e-6),
        detail="(scores + a) + b → scores + (a + b)",
        within={scores: bound, first: bound, second: bound},
    )


def _shape_stays(graph: GraphView, node: Node, scores: str) -> bool:
    shape = graph.value(scores).shape
    return shape is not None and shape == graph.value(node.outputs[0]).shape
