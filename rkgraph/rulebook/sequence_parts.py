"""Elements of a sequence of known structure, as values of the graph."""

from __future__ import annotations

from rkgraph.analysis.sequences import Element, Unclear, position
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.writer import Writer

__all__ = ["READERS", "read_of", "written"]

READERS = ("SequenceAt", "SequenceLength", "ConcatFromSequence")
"""What makes tensors of sequences."""


def written(writer: Writer, one: Element) -> str:
    """The name of the element; a part of a tensor is cut out of it."""
    if isinstance(one, str):
        return one
    part = writer.slice(one.data, [one.axis], [one.start], [one.end])
    return writer.squeeze(part, [one.axis]) if one.squeezed else part


def read_of(main: GraphView, node: Node, found: tuple[Element, ...], writer: Writer) -> str | Unclear:
    """What `node`, one of `READERS`, makes of a sequence with the elements `found`."""
    if node.op == "SequenceLength":
        return writer.constant(len(found), "int64", "length")
    if node.op == "SequenceAt":
        place = position(main, node, 1, len(found), 0)
        return place if isinstance(place, Unclear) else written(writer, found[place])
    if not found:
        return Unclear("nothing is to be put together")
    axis = node.attributes.get("axis")
    parts = [written(writer, one) for one in found]
    if not isinstance(axis, int):
        return Unclear("ConcatFromSequence without an axis")
    if node.attributes.get("new_axis", 0):
        parts = [writer.unsqueeze(part, [axis]) for part in parts]
    return writer.concat(parts, axis)
