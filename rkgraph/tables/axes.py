"""The axes that a node works along, from its attribute or a small constant input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rkgraph.graph.view import Dim, GraphView, Node

__all__ = ["axes_of", "shape_of_first", "static_shape"]


def shape_of_first(node: Node, graph: GraphView, side: str) -> tuple[Dim, ...] | None:
    """The shape of the first input or output; None where it is not known."""
    names = node.inputs if side == "input" else node.outputs
    return graph.value(names[0]).shape if names and names[0] else None


def axes_of(node: Node, graph: GraphView, rank: int, source: tuple[str, int | None, int | None]) -> Sequence[int]:
    """The axes, counted from the start, of a tensor of `rank`; those outside it are left out.

    `source` is an attribute ("": none), the index of a constant input, and a default, looked at in this order. Of
    computed axes nothing is known.
    """
    attribute, index, default = source
    found = node.attributes.get(attribute) if attribute else None
    if found is None and index is not None and index < len(node.inputs) and node.inputs[index]:
        constant = graph.constant(node.inputs[index])
        if constant is None:
            return ()
        found = constant.values
    if found is None:
        found = default
    axes = found if isinstance(found, tuple) else (found,)
    return [axis % rank for axis in axes if isinstance(axis, int) and -rank <= axis < rank]


def static_shape(graph: GraphView, name: str) -> tuple[int, ...] | None:
    """The shape of a value where all of it is known numbers."""
    shape = graph.value(name).shape
    if shape is None:
        return None
    sizes = tuple(size for size in shape if isinstance(size, int))
    return sizes if len(sizes) == len(shape) else None
