"""RK316: an optional value of which it is known whether it holds something."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.analysis.sequences import NONE, Unclear, content
from rkgraph.graph.rewrite import EXACT, Edit, Refusal
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import EXPLAINED, Finding, LintContext
from rkgraph.rulebook.writer import Writer


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each OptionalHasElement and OptionalGetElement of the main graph whose answer is known."""
    main = lint.model.main
    for node in main.nodes_of("OptionalHasElement", "OptionalGetElement"):
        if not main.is_read(node.outputs[0]) or isinstance(_held(main, node), Unclear):
            continue
        yield Finding(
            f"{node.op}: it is known what the optional value holds",
            node=node,
            observed={"operator": node.op},
            limit={"optional values": "none"},
            roots=("RK302", EXPLAINED),
            explains=frozenset({(node.path, node.index)}),
        )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The value itself; true or false."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    main, node = place
    held = _held(main, node)
    writer = Writer(main, f"rk316/{node.outputs[0]}")
    if isinstance(held, Unclear):
        return Refusal(held.reason)
    if node.op == "OptionalHasElement":
        answer = writer.constant(held != NONE, "bool", "answer")
        return writer.rewrite({node.outputs[0]: answer}, EXACT, str(held != NONE).lower())
    if held == NONE:
        return Refusal("the optional value is empty: to take its element is an error")
    if held in main.outputs or main.producer(held) is None:
        held = writer.op("Identity", held)
    return writer.rewrite({node.outputs[0]: held}, EXACT, "the value itself")


def _held(main: GraphView, node: Node) -> str | Unclear:
    return content(main, node.inputs[0]) if node.inputs else NONE
