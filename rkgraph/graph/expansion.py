"""How many nodes a model has once its functions are written out: onnx infers shapes through every call of every one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

__all__ = ["MOST_EXPANDED", "expands_beyond"]

MOST_EXPANDED = 200_000
"""A model whose functions come to more nodes is not inferred: thirty functions that each call the next one twice are a
billion. The largest export of the public models has 20,000."""

Key = tuple[str, str]


def expands_beyond(model: ModelProto, most: int = MOST_EXPANDED) -> bool:
    """Whether calls of the model's functions, those in functions included, come to more than `most` nodes.

    So does a function that calls itself, however indirectly.
    """
    bodies: dict[Key, list[Key]] = {
        (function.domain, function.name): list(_calls(function.node)) for function in model.functions
    }
    sizes: dict[Key, int] = {}
    for key in bodies:
        _measure(key, bodies, sizes, most)
    return sum(sizes.get(call, 0) for call in _calls(model.graph.node)) > most


def _measure(start: Key, bodies: dict[Key, list[Key]], sizes: dict[Key, int], most: int) -> None:
    """The size of `start` and of all that it calls, into `sizes`; without recursion, for chains may be long."""
    stack, under_way = [start], set[Key]()
    while stack:
        key = stack[-1]
        inner = [call for call in bodies[key] if call in bodies]
        waiting = [call for call in inner if call not in sizes]
        if key in sizes:
            stack.pop()
        elif waiting and key not in under_way:
            under_way.add(key)
            stack += waiting
        else:  # what still waits is under way above: it calls itself
            sizes[key] = most + 1 if waiting else min(most + 1, len(bodies[key]) + sum(sizes[call] for call in inner))
            stack.pop()


def _calls(nodes: Iterable[NodeProto]) -> Iterable[Key]:
    for node in nodes:
        yield node.domain, node.op_type
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                yield from _calls(graph.node)
