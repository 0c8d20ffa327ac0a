"""RK314: what is read from a sequence whose elements are known."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.analysis.sequences import Element, Unclear, elements, position
from rkgraph.graph.rewrite import EXACT, Edit, Refusal
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import EXPLAINED, Finding, LintContext
from rkgraph.rulebook.writer import Writer

READERS = ("SequenceAt", "SequenceLength", "ConcatFromSequence")


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each node of the main graph that makes a tensor of a sequence of known structure."""
    main = lint.model.main
    for node in main.nodes_of(*READERS):
        if (node.path, node.index) in lint.folding.dead or not main.is_read(node.outputs[0]):
            continue
        found = elements(main, node.inputs[0])
        if not isinstance(found, Unclear):
            yield Finding(
                f"{node.op} reads a sequence of {len(found)} elements, all known: it needs no sequence",
                node=node,
                observed={"elements": len(found)},
                limit={"sequences": "none"},
                roots=("RK302", EXPLAINED),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The element, the number of elements, or a Concat of them."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    main, node = place
    found = elements(main, node.inputs[0])
    if isinstance(found, Unclear):
        return Refusal(found.reason)
    writer = Writer(main, f"rk314/{node.outputs[0]}")
    made = _made_of(main, node, found, writer)
    if isinstance(made, Unclear):
        return Refusal(made.reason)
    return writer.rewrite({node.outputs[0]: made}, EXACT, f"{node.op} of {len(found)} known elements")


def _made_of(main: GraphView, node: Node, found: tuple[Element, ...], writer: Writer) -> str | Unclear:
    if node.op == "SequenceLength":
        return writer.constant(len(found), "int64", "length")
    if node.op == "SequenceAt":
        place = position(main, node, 1, len(found), 0)
        return place if isinstance(place, Unclear) else _written(writer, found[place])
    if not found:
        return Unclear("nothing is to be put together")
    axis = node.attributes.get("axis")
    parts = [_written(writer, one) for one in found]
    if not isinstance(axis, int):
        return Unclear("ConcatFromSequence without an axis")
    if node.attributes.get("new_axis", 0):
        parts = [writer.unsqueeze(part, [axis]) for part in parts]
    return writer.concat(parts, axis)


def _written(writer: Writer, one: Element) -> str:
    if isinstance(one, str):
        return one
    part = writer.slice(one.data, [one.axis], [one.start], [one.end])
    return writer.squeeze(part, [one.axis]) if one.squeezed else part
