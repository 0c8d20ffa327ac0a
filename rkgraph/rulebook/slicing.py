"""Reads Slice in all its forms, and knows the slices that the compiler itself makes a convolution of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkgraph.records import Record
from rkgraph.rulebook.known import NotKnown, constant_of, input_of, shape_of

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

__all__ = ["Cut", "is_of_sliced_rows", "is_space_to_depth", "read_slice"]

_LAST_WITH_ATTRIBUTES = 9
_QUARTERS = ((0, 0), (1, 0), (0, 1), (1, 1))


class Cut(Record):
    """What a Slice keeps of one axis of some size: the elements at `places`, `step` apart."""

    axis: int
    size: int
    step: int
    places: tuple[int, ...]


def read_slice(graph: GraphView, node: Node) -> tuple[Cut, ...]:
    """What a Slice keeps, axis by axis. Raises NotKnown where bounds are computed, or nothing is kept."""
    shape = shape_of(graph, node.inputs[0])
    if graph.opset <= _LAST_WITH_ATTRIBUTES:
        starts, ends = (tuple(node.attributes.get(name, ())) for name in ("starts", "ends"))
        axes, steps = tuple(node.attributes.get("axes") or range(len(starts))), (1,) * len(starts)
    else:
        starts, ends = constant_of(graph, node.inputs[1]), constant_of(graph, node.inputs[2])
        axes = constant_of(graph, input_of(node, 3)) if input_of(node, 3) else tuple(range(len(starts)))
        steps = constant_of(graph, input_of(node, 4)) if input_of(node, 4) else (1,) * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise NotKnown(f"the bounds of {node.label} are for different numbers of axes")
    cuts = []
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        place = int(axis) % len(shape)
        if not step:
            raise NotKnown(f"{node.label} has a step of 0")
        # Bounds beyond the axis are those of the axis, as in Python, but for the largest negative ones (ONNX: "all").
        kept = tuple(range(shape[place]))[slice(_bound(start, shape[place]), _end(end, step, shape[place]), int(step))]
        if not kept:
            raise NotKnown(f"{node.label} keeps nothing")
        cuts.append(Cut(place, shape[place], int(step), kept))
    return tuple(cuts)


def _bound(start: float, size: int) -> int:
    return max(int(start), -size - 1) if start < 0 else min(int(start), size)


def _end(end: float, step: float, size: int) -> int | None:
    if end < 0 and end + size < 0:
        return None if step < 0 else -size
    return min(int(end), size)


def is_of_sliced_rows(graph: GraphView, node: Node) -> bool:
    """Whether the slice takes every so many elements of the last axis, and nothing else, of what another Slice made.

    Of a Gather in its place the compiler joins the two, and gets the indices wrong. Raises NotKnown.
    """
    maker = graph.producer(node.inputs[0])
    cuts = read_slice(graph, node)
    last = len(shape_of(graph, node.inputs[0])) - 1
    behind = maker is not None and maker.op == "Slice" and maker.domain in ("", "ai.onnx")
    return behind and last > 0 and [cut.axis for cut in cuts if len(cut.places) < cut.size or cut.step != 1] == [last]


def is_space_to_depth(graph: GraphView, node: Node) -> bool:
    """Whether the slice is part of a Concat of the four quarters of an image, every second row and column each.

    In the order that YOLO's Focus and Swin's patch merging have, the compiler makes one convolution of all of it.
    """
    waiting, seen = [node], {node.index}
    while waiting:
        current = waiting.pop()
        for reader in graph.consumers(current.outputs[0]):
            if reader.op == "Concat" and _is_of_quarters(graph, reader):
                return True
            if reader.op == "Slice" and reader.index not in seen:
                seen.add(reader.index)
                waiting.append(reader)
    return False


def _is_of_quarters(graph: GraphView, concat: Node) -> bool:
    found = [_quarter(graph, name) for name in concat.inputs]
    if len(found) != len(_QUARTERS) or None in found:
        return False
    sources = {one[0] for one in found if one is not None}
    starts = [tuple(start for _, start in sorted(one[1].items())) for one in found if one is not None]
    return len(sources) == 1 and starts == list(_QUARTERS)


def _quarter(graph: GraphView, name: str) -> tuple[str, dict[int, int]] | None:
    """What is sliced, and with which start along each axis that is sliced by twos; None for anything else."""
    starts: dict[int, int] = {}
    producer = graph.producer(name)
    while producer is not None and producer.op == "Slice":
        try:
            cuts = read_slice(graph, producer)
        except NotKnown:
            return None
        if any(cut.step != 2 or cut.axis in starts for cut in cuts):
            return None
        starts.update((cut.axis, cut.places[0]) for cut in cuts)
        name = producer.inputs[0]
        producer = graph.producer(name)
    return (name, starts) if len(starts) == 2 else None
