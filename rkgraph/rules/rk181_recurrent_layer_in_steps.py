"""RK181: a recurrent layer that the compiler takes in no form, written as the steps that it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import Edit, Refusal, Tolerance
from rkgraph.rulebook.lowering import CANNOT_RUN
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.recurrent import RECURRENT, read_recurrent
from rkgraph.rulebook.recurrent_form import better_form, fails
from rkgraph.rulebook.recurrent_steps import NODES_A_STEP, unroll
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

MOST_NODES = 6000  # of one layer; the compiler's time grows with each


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each RNN, GRU or LSTM that cannot run, whatever form it is written in."""
    for graph in lint.model.graphs():
        if graph.ops.isdisjoint(RECURRENT):
            continue
        for node in lint.live_nodes(graph):
            if node.op in RECURRENT and node.domain in ("", "ai.onnx") and _is_stuck(lint, graph, node):
                yield Finding(
                    f"{node.op} with these inputs and attributes does not run on the board; it can be written as its "
                    "steps, each a few MatMul, Sigmoid and Tanh",
                    graph=graph.path,
                    node=node,
                    observed={"operator": node.op, "outcome": lint.judgement(node).outcome},
                    explains=frozenset({(graph.path, node.index)}),
                )


def _is_stuck(lint: LintContext, graph: GraphView, node: Node) -> bool:
    layer = read_recurrent(graph, node)
    cannot = lint.judgement(node).outcome in CANNOT_RUN
    if isinstance(layer, str):
        return cannot
    return (cannot or fails(lint, graph, layer)) and better_form(lint, graph, layer) is None


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The layer, step by step."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    layer = read_recurrent(*place)
    if isinstance(layer, str):
        return Refusal(layer)
    count = NODES_A_STEP[layer.op] * layer.steps * layer.directions
    if count > MOST_NODES:
        return Refusal(f"{layer.steps} steps would take about {count} nodes; at most {MOST_NODES} are written")
    writer = Writer(place[0], f"rk181/{next(iter(layer.outputs.values()))}")
    replaces = unroll(layer, writer)
    # The same sums in another order; what a step rounds goes into all steps behind it.
    return writer.rewrite(replaces, Tolerance(1e-4, 1e-4), f"{layer.steps} steps written out")
