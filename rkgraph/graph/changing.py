"""What edits of a protobuf share: copies, repeated fields that get other entries, readers that read another value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import onnx

from rkgraph.graph.walk import subgraphs

__all__ = ["copied", "read_instead", "set_entries"]


def copied(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy that shares nothing with `model`."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    return copy


def set_entries(field: Any, entries: Iterable[Any]) -> None:
    """Let a repeated field of messages have these entries; some may be its own, and it is emptied first."""
    copies = [type(entry).FromString(entry.SerializeToString()) for entry in entries]
    del field[:]
    field.extend(copies)


def read_instead(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    """Let all nodes of `graph`, and those inside them, read other values; bodies have names of their own."""
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        for inner in subgraphs(node):
            read_instead(inner, names)
