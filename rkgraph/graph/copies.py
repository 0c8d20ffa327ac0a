"""Where the nodes of subgraphs and functions lie, so that a rewrite can ask for copies of them: data only.

What a copy needs of the protobuf (tensors of any size, subgraphs, attributes of any type) is not in the view; a rewrite
names the place, and `copying` reads it there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from rkgraph.graph.view import GraphView
from rkgraph.records import Record

__all__ = ["MAIN", "CopiedTensor", "Place", "Source", "where"]


class Place(Record):
    """A graph of the model: the main graph or a function, and from there into subgraphs.

    Attributes:
        function: path of a function ("function:DOMAIN.NAME"), "" for the main graph.
        steps: index of a node, name of its attribute, and which of the attribute's graphs (0 where it holds one).
    """

    function: str = ""
    steps: tuple[tuple[int, str, int], ...] = ()


MAIN = Place()


class Source(Record):
    """A node to copy with all its attributes, subgraphs included.

    Attributes:
        place: the graph that it lies in.
        index: its index there.
        renames: value that its subgraphs read from outside → its name where the copy stands.
        call: index of the node of the main graph that calls the function at `place`; gives values to attributes that
            refer to those of the function. None: the node is in no function.
    """

    place: Place
    index: int
    renames: Mapping[str, str] = field(default_factory=dict)
    call: int | None = None


class CopiedTensor(Record):
    """An initializer of a graph to copy, of any size.

    `as_bytes`: one of elements of 4 or 2 bits becomes uint8 (bytes), each byte with its first element in the low bits.
    """

    place: Place
    name: str
    as_bytes: bool = False


def where(graph: GraphView) -> Place:
    """The place of a graph of a model. Raises ValueError for a graph that its parent does not hold."""
    if graph.parent is None:
        return Place("" if graph.path == "main" else graph.path)
    outer = where(graph.parent)
    for node in graph.parent.nodes:
        for name, value in node.attributes.items():
            for number, held in enumerate(value if isinstance(value, tuple) else (value,)):
                if held is graph:
                    return Place(outer.function, (*outer.steps, (node.index, name, number)))
    raise ValueError(f"{graph.path} is in no node of {graph.parent.path}")
