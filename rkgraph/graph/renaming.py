"""Outputs that get another name."""

from __future__ import annotations

from collections.abc import Mapping

import onnx

from rkgraph.graph.changing import read_instead
from rkgraph.graph.walk import all_graphs

__all__ = ["rename_outputs"]


def rename_outputs(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    """Give outputs of `graph` that its nodes make other names, wherever they are made and read.

    Raises:
        ValueError: no such output, or a new name that is taken (a fault of the rule).
    """
    made = {name for node in graph.node for name in node.output if name}
    taken = {value.name for value in (*graph.input, *graph.output)} | {tensor.name for tensor in graph.initializer}
    taken |= {name for each in all_graphs(graph) for node in each.node for name in node.output}
    outputs = {value.name for value in graph.output}
    if not names.keys() <= (outputs & made) or not taken.isdisjoint(names.values()):
        raise ValueError(f"{sorted(names.items())}: no outputs that nodes make, or names that are taken")
    read_instead(graph, names)
    for node in graph.node:
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in (*graph.output, *graph.value_info):
        value.name = names.get(value.name, value.name)
