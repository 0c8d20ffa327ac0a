"""Sequences and optional values whose structure is known before the model runs: how many elements, and which they are.

ONNX operators SequenceEmpty, SequenceConstruct, SequenceInsert, SequenceErase, SplitToSequence, Optional and Identity
make them; positions have to be constants, sizes that are split static.
"""

from __future__ import annotations

from collections.abc import Sequence

from rkgraph.graph.view import GraphView, Node
from rkgraph.records import Record

__all__ = ["MOST_ELEMENTS", "NONE", "Element", "Part", "Unclear", "content", "elements", "position"]

MOST_ELEMENTS = 4096
"""Longer sequences are left: models are not trusted."""


class Part(Record):
    """A slice of the tensor `data`: from `start` to `end` along `axis`; without that axis (of size 1) if `squeezed`."""

    data: str
    axis: int
    start: int
    end: int
    squeezed: bool = False


Element = str | Part
"""A value of the graph, or a part of one."""


class Unclear(Record):
    """Why the structure is not known."""

    reason: str


NONE = ""
"""The content of an optional value that is empty."""


def elements(graph: GraphView, name: str) -> tuple[Element, ...] | Unclear:
    """The elements of the sequence `name`."""
    chain: list[Node] = []
    while True:
        node = graph.producer(name)
        if node is None or node.domain not in ("", "ai.onnx"):
            return Unclear(f"the sequence {name} comes from {'outside' if node is None else node.label}")
        if node.op in ("SequenceInsert", "SequenceErase"):
            chain.append(node)
        elif node.op not in ("Identity", "OptionalGetElement", "Optional"):
            break
        if not node.inputs:
            return Unclear(f"{node.label} holds nothing")
        name = node.inputs[0]
    found = _made_by(graph, node)
    for step in reversed(chain):
        if isinstance(found, Unclear):
            return found
        found = _changed(graph, step, found)
    if not isinstance(found, Unclear) and len(found) > MOST_ELEMENTS:
        return Unclear(f"the sequence has {len(found)} elements, more than {MOST_ELEMENTS}")
    return found


def content(graph: GraphView, name: str) -> str | Unclear:
    """The value that an optional one holds, `NONE` for nothing. A tensor or sequence in its place holds itself."""
    while name:
        node = graph.producer(name)
        if graph.value(name).dtype is not None:
            return name
        if node is None:
            return Unclear(f"whether {name} holds something is known only when the model runs")
        if node.op == "Optional":
            return node.inputs[0] if node.inputs else NONE
        if node.op.startswith(("Sequence", "SplitToSequence")):
            return name
        if node.op != "Identity":
            return Unclear(f"whether {name} holds something is decided by {node.label}")
        name = node.inputs[0]
    return NONE


def position(graph: GraphView, node: Node, index: int, count: int, default: int) -> int | Unclear:
    """The position that input `index` of `node` gives among `count`, counted from 0."""
    if index >= len(node.inputs) or not node.inputs[index]:
        return default
    constant = graph.constant(node.inputs[index])
    if constant is None or len(constant.values) != 1:
        return Unclear(f"the position {node.inputs[index]} is computed when the model runs")
    given = int(constant.values[0])
    place = given + count if given < 0 else given
    return place if 0 <= place < count else Unclear(f"{node.label} asks for position {given} of {count}")


def _made_by(graph: GraphView, node: Node) -> tuple[Element, ...] | Unclear:
    if node.op == "SequenceEmpty":
        return ()
    if node.op == "SequenceConstruct":
        return node.inputs
    if node.op == "SplitToSequence":
        return _split(graph, node)
    return Unclear(f"what {node.label} returns is known only when the model runs")


def _changed(graph: GraphView, node: Node, before: tuple[Element, ...]) -> tuple[Element, ...] | Unclear:
    if node.op == "SequenceInsert":
        place = position(graph, node, 2, len(before) + 1, len(before))
        negative = _is_negative(graph, node)  # -1 is in front of the last one: of a sequence, not of what it becomes
        if isinstance(place, Unclear):
            return place
        place -= 1 if negative else 0
        if place < 0:
            return Unclear(f"{node.label} asks for a position in front of the first one")
        return (*before[:place], node.inputs[1], *before[place:])
    place = position(graph, node, 1, len(before), len(before) - 1)
    if isinstance(place, Unclear) or place < 0:
        return place if isinstance(place, Unclear) else Unclear(f"{node.label} erases from an empty sequence")
    return (*before[:place], *before[place + 1 :])


def _is_negative(graph: GraphView, node: Node) -> bool:
    constant = graph.constant(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] else None
    return constant is not None and constant.values[0] < 0


def _split(graph: GraphView, node: Node) -> tuple[Element, ...] | Unclear:
    shape = graph.value(node.inputs[0]).shape
    axis = node.attributes.get("axis", 0)
    if shape is None or not isinstance(axis, int) or not -len(shape) <= axis < len(shape):
        return Unclear(f"the shape of {node.inputs[0]} is not known")
    axis %= len(shape)
    size = shape[axis]
    if not isinstance(size, int) or size > MOST_ELEMENTS:
        return Unclear(f"dimension {axis} of {node.inputs[0]} is not known, or too large")
    if len(node.inputs) < 2 or not node.inputs[1]:
        squeezed = node.attributes.get("keepdims", 1) == 0
        return tuple(Part(node.inputs[0], axis, i, i + 1, squeezed) for i in range(size))
    given = graph.constant(node.inputs[1])
    if given is None:
        return Unclear(f"the sizes {node.inputs[1]} are computed when the model runs")
    sizes = _sizes(given.shape, [int(value) for value in given.values], size)
    if sizes is None:
        return Unclear(f"sizes {list(given.values)} do not fit {size}")
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
    return tuple(Part(node.inputs[0], axis, end - size, end) for size, end in zip(sizes, ends, strict=True))


def _sizes(shape: tuple[int, ...], values: Sequence[int], size: int) -> list[int] | None:
    """The sizes of the parts: a scalar is the size of all but the last one."""
    if shape == ():
        if values[0] < 1:
            return None
        return [min(values[0], size - start) for start in range(0, size, values[0])]
    return (
        list(values) if sum(values) == size and min(values, default=0) >= 0 and len(values) <= MOST_ELEMENTS else None
    )
