"""What outputs of another shape change in a graph, for the proof of its structure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rkgraph.graph.rewrite import ReshapeOutputs
from rkgraph.graph.view import GraphView

__all__ = ["Reshaped", "reshaped_by"]


@dataclass(frozen=True)
class Reshaped:
    """Outputs of nodes that go and come, values that stand in the place of others, and the new shapes of outputs."""

    removed: frozenset[str]
    added: frozenset[str]
    replaced: Mapping[str, str]
    shapes: Mapping[str, tuple[int, ...]]


def reshaped_by(graph: GraphView, edits: Iterable[ReshapeOutputs]) -> Reshaped:
    """What the edits change: the nodes that make these outputs make values of other names, and Reshapes the outputs."""
    shapes: dict[str, tuple[int, ...]] = {}
    inner: dict[str, str] = {}
    for edit in edits:
        shapes |= edit.shapes
        inner |= edit.inner
    makers = [maker for maker in map(graph.producer, shapes) if maker is not None]
    removed = {name for maker in makers for name in maker.outputs if name}
    added = {inner.get(name, name) for name in removed} | shapes.keys()
    return Reshaped(frozenset(removed), frozenset(added), inner, shapes)
