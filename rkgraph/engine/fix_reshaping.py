"""What outputs of another shape or name change in a graph, for the proof of its structure."""

from __future__ import annotations

from collections.abc import Iterable

from rkgraph.graph.rewrite import RenameOutputs, ReshapeOutputs
from rkgraph.graph.view import GraphView
from rkgraph.records import Record

__all__ = ["Reshaped", "renamed_by", "reshaped_by"]


class Reshaped(Record):
    """Outputs of nodes that go and come, values that stand in the place of others, and the new shapes of outputs."""

    removed: frozenset[str]
    added: frozenset[str]
    replaced: dict[str, str]
    shapes: dict[str, tuple[int, ...]]


def reshaped_by(graph: GraphView, edits: Iterable[ReshapeOutputs]) -> Reshaped:
    """What the edits change: the nodes that make these outputs make values of other names, and Reshapes the outputs."""
    shapes: dict[str, tuple[int, ...]] = {}
    inner: dict[str, str] = {}
    for edit in edits:
        shapes |= edit.shapes
        inner |= edit.inner
    removed = _made_with(graph, shapes)
    added = {inner.get(name, name) for name in removed} | shapes.keys()
    return Reshaped(removed, frozenset(added), inner, shapes)


def renamed_by(graph: GraphView, edits: Iterable[RenameOutputs]) -> Reshaped:
    """What the edits change: the nodes that make these outputs make them under other names."""
    names = {old: new for edit in edits for old, new in edit.names.items()}
    removed = _made_with(graph, names)
    return Reshaped(removed, frozenset(names.get(name, name) for name in removed), names, {})


def _made_with(graph: GraphView, outputs: Iterable[str]) -> frozenset[str]:
    """What the nodes that make `outputs` make."""
    makers = [maker for maker in map(graph.producer, outputs) if maker is not None]
    return frozenset(name for maker in makers for name in maker.outputs if name)
