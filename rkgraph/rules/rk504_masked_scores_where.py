"""RK504: attention scores masked by Where, which keeps the compiler from fusing the attention."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.analysis.attention import LARGEST_SCORE, MASK_FILL, softmaxes_behind
from rkgraph.analysis.origins import Origin
from rkgraph.graph.rewrite import Between, Edit, Refusal, Rewrite, Tape, Tolerance
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.pattern import Match, match, pattern
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext

KEEP = pattern("Where(keep, scores, #fill)")
DROP = pattern("Where(drop, #fill, scores)")

ELEMENTWISE = frozenset({"Cast", "Not", "And", "Or", "Xor", "Mul", "Add", "Sub", "Equal", "Greater", "Less", "Where"})
"""Operators of masks whose inputs are aligned with their output."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Where between computed scores and a constant that only softmaxes read."""
    for graph in lint.model.graphs():
        for node in lint.live_nodes(graph):
            found = _masking(graph, node)
            if found is None:
                continue
            yield Finding(
                f"{node.label} puts {found.numbers['fill']:.4g} in place of masked scores; the compiler fuses "
                "attention only where the mask is added",
                graph=graph.path,
                node=node,
                observed={"fill": found.numbers["fill"], "scores": found.values["scores"]},
                limit={"mask": "added to the scores"},
                evidence=("rewrites:mask-forms",),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Add a mask of 0 and the fill to the scores."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    scores, fill = finding.observed["scores"], finding.observed["fill"]
    if fill > MASK_FILL:
        return Refusal(f"a fill of {fill:g} is not far enough below the scores to be added to them")
    closing = _masks_queries(lint, graph, node.inputs[0])
    if closing is not None:
        return Refusal(
            f"{closing} masks whole rows of scores: softmax makes equal shares of the fill, and not of fill + score"
        )
    dtype = graph.value(node.outputs[0]).dtype or "float32"
    tape = Tape(f"rk504/{node.outputs[0]}")
    nothing, masked = tape.constant(0.0, dtype), tape.constant(fill, dtype)
    condition, yes, _ = node.inputs
    choices = (nothing, masked) if yes == scores else (masked, nothing)
    added = tape.op("Add", scores, tape.op("Where", condition, *choices))
    bound = Between(-LARGEST_SCORE, LARGEST_SCORE)
    return Rewrite(
        {node.outputs[0]: added},
        tape,
        Tolerance(0.0, 1e-7, beyond=-MASK_FILL - LARGEST_SCORE),
        detail=f"scores within ±{LARGEST_SCORE:.0f}",
        within={scores: bound},
    )


def _masks_queries(lint: LintContext, graph: GraphView, condition: str) -> str | None:
    """The computed part of the mask that is the same for all keys of a query, so that it masks rows as a whole."""
    waiting, seen = [condition], {condition}
    while waiting:
        name = waiting.pop()
        shape = graph.value(name).shape or ()
        if lint.origin(graph, name) is Origin.FIXED:
            continue
        if len(shape) > 2 and shape[-1] == 1 and shape[-2] != 1:
            return name
        node = graph.producer(name)
        if node is not None and node.op in ELEMENTWISE:
            fresh = [given for given in node.inputs if given and given not in seen]
            waiting.extend(fresh)
            seen.update(fresh)
    return None


def _masking(graph: GraphView, node: Node) -> Match | None:
    """The Where as scores masked by a very negative constant: on the way to softmaxes only."""
    if node.op != "Where":
        return None
    for form in (KEEP, DROP):
        found = match(graph, node.outputs[0], form)
        if isinstance(found, Match) and found.numbers["fill"] < MASK_FILL / 10 and _is_score(graph, found):
            arrival = softmaxes_behind(graph, node.outputs[0])
            return found if arrival.softmaxes and not arrival.elsewhere else None
    return None


def _is_score(graph: GraphView, found: Match) -> bool:
    """Whether what is masked is computed by a product of matrices, scaled, moved or added to since."""
    waiting, seen = [found.values["scores"]], 0
    while waiting and seen < 16:  # a bound, not a limit that matters: exporters put one to four nodes between
        node = graph.producer(waiting.pop())
        seen += 1
        if node is None:
            continue
        if node.op in ("MatMul", "Einsum"):
            return True
        if node.op in ("Add", "Sub", "Mul", "Div", "Reshape", "Transpose", "Where", "Cast"):
            waiting.extend(node.inputs)
    return False
