"""RK128: Clip whose bounds are computed, where the compiler cannot take it."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.analysis.schemas import STANDARD
from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import Edit, Refusal, Tolerance
from rkgraph.graph.view import Node
from rkgraph.rulebook.elementwise import lowered
from rkgraph.rulebook.lowering import CANNOT_RUN, not_as_it_is
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

FAILS = CANNOT_RUN - {"unknown"}


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each that cannot run as it is: where the table says so, and for lists."""
    for graph in lint.model.graphs():
        for node in lint.live_nodes(graph) if "Clip" in graph.ops else ():
            if node.op != "Clip" or node.domain not in STANDARD:
                continue
            if all(not name or lint.is_constant(graph, name) for name in node.inputs[1:]):
                continue
            if lint.judgement(node).outcome in FAILS:
                yield not_as_it_is(lint, graph, node, "with computed bounds it is Max of Max")
            elif len(graph.value(node.inputs[0]).shape or ()) == 1:
                yield Finding(
                    "a list is clipped to a computed bound: the compiler gives it a dimension, and the build fails",
                    graph=graph.path,
                    node=node,
                    observed={"operator": "Clip", "rank": 1},
                    limit={"rank": "other than 1"},
                    verdict=Verdict.BUILD_FAILS,
                    explains=frozenset({(graph.path, node.index)}),
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The larger of x and the lower bound, and of what is negated with the upper one: Min has no kernel."""
    # Any tolerance at all means numbers within fp16; ONNX does not say what becomes of NaN.
    return lowered(lint, finding, _clip, prefix="rk128", tolerance=Tolerance(0.0, 1e-7), detail="Max of its bounds")


def _clip(write: Writer, node: Node, inputs: tuple[str, ...], _dtype: str) -> str | Refusal:
    x, low, high = (*inputs, "", "")[:3]
    shape = write.graph.value(node.inputs[0]).shape
    if shape is None:
        return Refusal(f"the rank of {node.inputs[0]} is unknown")
    ones = [1] * max(len(shape), 1)
    if low:
        x = write.op("Max", x, write.reshape(low, ones))
    if high:
        x = write.op("Neg", write.op("Max", write.op("Neg", x), write.op("Neg", write.reshape(high, ones))))
    return x
