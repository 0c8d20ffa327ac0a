"""Inputs of whole numbers that a model only moves about and then casts to floats: masks, mostly."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.graph.view import GraphView, Node
from rkgraph.records import Record

__all__ = ["MOVES", "CastPath", "cast_paths"]

MOVES = frozenset({"Expand", "Flatten", "Identity", "Reshape", "Slice", "Squeeze", "Tile", "Transpose", "Unsqueeze"})
"""Operators that move the elements of their first input about; all others are constants."""

MOST_MOVES = 32
"""Masks take two or three moves; a model that takes more than this is none that anybody exported."""

_FLOATS = frozenset({"float16", "float32", "float64"})
_STANDARD = ("", "ai.onnx")


class CastPath(Record):
    """How an input becomes a float: the nodes that move it, in order, then the Cast."""

    moves: tuple[Node, ...]
    cast: Node


def cast_paths(graph: GraphView, name: str) -> tuple[CastPath, ...]:
    """All ways of the input `name`, if each ends in a Cast to one and the same float dtype; else none.

    None, too, where it is an output, or read by a body or by nothing.
    """
    found: list[CastPath] = []
    for path in _paths(graph, name):
        if path is None:
            return ()
        found.append(path)
    ends = {graph.value(path.cast.outputs[0]).dtype for path in found}
    return tuple(found) if len(ends) == 1 and ends <= _FLOATS else ()


def _paths(graph: GraphView, start: str) -> Iterator[CastPath | None]:
    """The ways from `start` on; None for one that leads elsewhere, or takes more than `MOST_MOVES` moves."""
    waiting: list[tuple[str, tuple[Node, ...]]] = [(start, ())]
    while waiting:
        name, moves = waiting.pop()
        if name in graph.outputs or name in graph.captured or len(moves) > MOST_MOVES:
            yield None
        for node in graph.consumers(name):
            if node.domain in _STANDARD and node.op == "Cast":
                yield CastPath(moves, node)
            elif _moves(graph, node, name):
                waiting.append((node.outputs[0], (*moves, node)))
            else:
                yield None


def _moves(graph: GraphView, node: Node, name: str) -> bool:
    """Whether `node` only moves the elements of `name` about, by constants."""
    moved = node.domain in _STANDARD and node.op in MOVES and node.inputs[0] == name
    return moved and all(map(graph.is_constant, filter(None, node.inputs[1:])))
