"""RK506: a softmax whose NaN are replaced; the runtime has no IsNaN."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rkgraph.analysis.attention import MOVES
from rkgraph.fp16 import FP16_MAX
from rkgraph.graph.rewrite import Edit, Refusal, Rewrite, Tape, Tolerance
from rkgraph.graph.view import GraphView
from rkgraph.rulebook.pattern import Match, match_any, pattern
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext

GUARD = (
    pattern("Where(IsNaN(p), #zero, p)"),
    pattern("Where(Not(IsNaN(p)), p, #zero)"),
    # as RK126 leaves it, where an infinite mask kept this rule from going first
    pattern("Where(Not(Equal(p, p)), #zero, p)"),
    pattern("Where(Equal(p, p), p, #zero)"),
)


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Where that replaces the NaN of a softmax."""
    for graph in lint.model.graphs():
        for node in graph.nodes_of("Where"):
            found = match_any(graph, node.outputs[0], GUARD)
            if (graph.path, node.index) in lint.folded or not isinstance(found, Match):
                continue
            softmax = graph.producer(found.values["p"])
            if softmax is None or softmax.op != "Softmax":
                continue
            yield Finding(
                f"the NaN of {softmax.label} are replaced by {found.numbers['zero']:g}; the board has no kernel for "
                "IsNaN, and a softmax of finite scores has no NaN",
                graph=graph.path,
                node=node,
                observed={"softmax": softmax.outputs[0]},
                limit={"guard": "none"},
                evidence=("rewrites:nan-guard",),
                explains=frozenset((graph.path, n.index) for n in found.nodes),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Read the softmax itself."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    softmax = finding.observed["softmax"]
    infinite = _infinite_fill(graph, softmax)
    if infinite:
        return Refusal(f"{infinite}: rows that it masks as a whole are NaN; RK203 makes the fill finite first")
    tape = Tape(f"rk506/{node.outputs[0]}")
    # An output of the model keeps its name, so it needs a node of its own.
    new = tape.op("Identity", softmax) if node.outputs[0] in graph.outputs else softmax
    return Rewrite({node.outputs[0]: new}, tape, Tolerance(0.0, 1e-7), detail="the softmax itself")


def _infinite_fill(graph: GraphView, softmax: str) -> str:
    """What in front of the softmax is, or may be, a mask of minus infinity; "" where nothing is."""
    waiting, seen = [softmax], {softmax}
    while waiting:
        name = waiting.pop()
        node, constant = graph.producer(name), graph.constant(name)
        if constant is not None:
            if any(not isinstance(v, str) and (math.isinf(v) or v < -FP16_MAX) for v in constant.values):
                return f"{name} holds {min(constant.values):g}"
        elif graph.is_constant(name):
            if str(graph.value(name).dtype).startswith("float"):
                return f"{name} is too large to be looked at and may hold an infinity"
        elif node is not None and node.op not in ("MatMul", "Einsum", "Gemm", "Conv"):
            steered = node.op in MOVES and node.op != "Concat"
            fresh = [i for i in (node.inputs[:1] if steered else node.inputs) if i and i not in seen]
            seen.update(fresh)
            waiting.extend(fresh)
    return ""
