"""Where a value meets the scores of attention: following masks downstream to the softmaxes that read them."""

from __future__ import annotations

from rkgraph.graph.view import GraphView, Node
from rkgraph.records import Record

__all__ = ["LARGEST_SCORE", "MASK_FILL", "Arrival", "softmaxes_behind", "through"]

MASK_FILL = -1e4
"""A fill that a softmax makes zero of, in fp32 (exp(x) is 0 below -104) and all the more in fp16 (below -17.4), as long
as scores spread over less than 9896. It leaves room: the sum of two masks, or of a mask and a score, stays finite in
fp16, where -65504 overflows to minus infinity with the first score below -16."""

LARGEST_SCORE = -MASK_FILL * 0.4
"""Rewrites of what masks scores take these to lie within ± this: masked ones then stay below -6000."""

# Operators that only move elements about, by their data input.
MOVES = frozenset(
    {
        "Concat", "Expand", "Flatten", "Gather", "Identity", "Reshape", "Slice", "Split", "Squeeze", "Tile",
        "Transpose", "Trilu", "Unsqueeze",
    }
)  # fmt: skip
# Operators that pass a very negative number on as a very negative number.
PASSES = frozenset({"Add", "Sub", "Where", "Min", "Max", "Mul", "Cast"})


class Arrival(Record):
    """Where a value ends: the softmaxes, in file order, and in `elsewhere` what else reads it ("" if nothing does)."""

    softmaxes: tuple[Node, ...]
    elsewhere: str = ""


def through(node: Node, name: str) -> bool:
    """Whether `node` passes the elements of `name` on to its outputs: moved, added to, or chosen among."""
    if node.domain not in ("", "ai.onnx"):
        return False
    if node.op in MOVES:
        return node.op == "Concat" or node.inputs[0] == name
    if node.op == "Where":
        return name in node.inputs[1:]
    return node.op in PASSES


def softmaxes_behind(graph: GraphView, name: str) -> Arrival:
    """The softmaxes at the end of all ways from `name`, and what else they lead to."""
    found: dict[int, Node] = {}
    elsewhere = ""
    waiting, seen = [name], {name}
    while waiting:
        value = waiting.pop()
        if value in graph.outputs:
            elsewhere = f"{value} is an output"
        for node in graph.consumers(value):
            if node.op == "Softmax":
                found[node.index] = node
            elif through(node, value):
                fresh = [o for o in node.outputs if o and o not in seen]
                seen.update(fresh)
                waiting.extend(fresh)
            elif node.op not in ("Shape", "Size"):
                elsewhere = f"{value} is read by {node.label} ({node.op})"
    return Arrival(tuple(found[i] for i in sorted(found)), elsewhere)
