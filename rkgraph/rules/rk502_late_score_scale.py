"""RK502: masked scores of rank 3 that are scaled after the product, a form that the compiler does not fuse."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.analysis.attention import softmaxes_behind
from rkgraph.graph.rewrite import Between, Edit, Refusal, Rewrite, Tape, Tolerance
from rkgraph.graph.view import GraphView
from rkgraph.rulebook.pattern import Match, match_any, pattern
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext

SCALED = (pattern("Mul(MatMul(q, k), #factor)"), pattern("Div(MatMul(q, k), #divisor)"))

LARGEST_ELEMENT = 8.0
"""Queries and keys are taken to lie within ± this, so that sums of hundreds of products stay within fp16."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each scale behind a product of rank 3 to which a mask is added before the softmax."""
    for graph in lint.model.graphs():
        for node in graph.nodes_of("Mul", "Div"):
            found = match_any(graph, node.outputs[0], SCALED)
            if (graph.path, node.index) in lint.folded or not isinstance(found, Match):
                continue
            shape = graph.value(node.outputs[0]).shape
            if shape is None or len(shape) != 3 or not _are_masked(graph, node.outputs[0]):
                continue
            yield Finding(
                f"{node.label} scales scores of rank 3 after their product; the compiler fuses such attention only "
                "where the query is scaled",
                graph=graph.path,
                node=node,
                observed={"factor": _factor(found), "query": found.values["q"], "key": found.values["k"]},
                limit={"scale": "on the query"},
                evidence=("rewrites:attention-forms",),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Scale the query."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    query, key = finding.observed["query"], finding.observed["key"]
    tape = Tape(f"rk502/{node.outputs[0]}")
    factor = tape.constant(finding.observed["factor"], graph.value(query).dtype or "float32")
    scores = tape.op("MatMul", tape.op("Mul", query, factor), key)
    bound = Between(-LARGEST_ELEMENT, LARGEST_ELEMENT)
    # A sum of products of up to 64, each rounded once more: 1e-3 holds for head sizes to 1024.
    return Rewrite(
        {node.outputs[0]: scores},
        tape,
        Tolerance(1e-3, 1e-5),
        detail="(q · k) · s → (q · s) · k",
        within={query: bound, key: bound},
    )


def _factor(found: Match) -> float:
    return found.numbers["factor"] if "factor" in found.numbers else 1.0 / found.numbers["divisor"]


def _are_masked(graph: GraphView, name: str) -> bool:
    """Whether only softmaxes read the scores in the end, and something is added before: without, they are fused so."""
    arrival = softmaxes_behind(graph, name)
    direct = {softmax.index for softmax in arrival.softmaxes if softmax.inputs[0] == name}
    return bool(arrival.softmaxes) and not arrival.elsewhere and not direct
