"""Nodes taken out of a chain: whoever read what a node makes reads one of the node's inputs instead."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import onnx

from rkgraph.graph.walk import all_graphs, node_reads
from rkgraph.reduce.facts import Facts, copied

__all__ = ["bypass", "detours"]


def detours(proto: onnx.ModelProto, facts: Facts, *, same_shape: bool) -> dict[int, list[str]]:
    """Place of a node → the inputs that may stand for its one output that is read: of its dtype, and of its shape.

    Without `same_shape` those of another shape come, too, after the others.
    """
    read = {name for node in proto.graph.node for name in node_reads(node)}
    read |= {value.name for value in proto.graph.output}
    found: dict[int, list[str]] = {}
    for place, node in enumerate(proto.graph.node):
        used = [name for name in node.output if name in read]
        if len(used) != 1:
            continue
        exact = [name for name in node.input if name and facts.same_type(name, used[0])]
        loose = [name for name in node.input if name and facts.same_dtype(name, used[0]) and name not in exact]
        names = list(dict.fromkeys(exact if same_shape else [*exact, *loose]))
        if names:
            found[place] = names
    return found


def bypass(proto: onnx.ModelProto, around: Mapping[int, str]) -> onnx.ModelProto | None:
    """`proto` without the nodes at the places in `around`; their output is read from the input named there.

    None where no output is left, or no node.
    """
    part = copied(proto)
    graph = part.graph
    constants = {tensor.name for tensor in graph.initializer} | {value.name for value in graph.input}
    instead: dict[str, str] = {}
    for place in sorted(around):  # in topological order: what stands for an input is known before it is asked for
        node = graph.node[place]
        source = instead.get(around[place], around[place])
        instead |= dict.fromkeys(filter(None, node.output), source)
    kept = [node for place, node in enumerate(graph.node) if place not in around]
    outputs = [value for value in graph.output if instead.get(value.name, "") not in constants]
    del graph.node[:]
    graph.node.extend(kept)
    del graph.output[:]
    graph.output.extend(outputs)
    _rename_reads(part, instead)
    _drop_twins(graph)
    _drop_unread(graph, proto.graph)
    return part if graph.output and graph.node else None


def _rename_reads(part: onnx.ModelProto, instead: Mapping[str, str]) -> None:
    for graph in all_graphs(part.graph):
        for node in graph.node:
            for position, name in enumerate(node.input):
                if name in instead:
                    node.input[position] = instead[name]
        for value in graph.output:
            value.name = instead.get(value.name, value.name)


def _drop_twins(graph: onnx.GraphProto) -> None:
    """One output of a name is enough."""
    outputs = {value.name: value for value in graph.output}
    kept = list(outputs.values())
    del graph.output[:]
    graph.output.extend(kept)


def _drop_unread(graph: onnx.GraphProto, before: onnx.GraphProto) -> None:
    """Inputs and initializers that lost their last reader go."""
    read, was_read = _read(graph), _read(before)
    for field in (graph.input, graph.initializer):
        kept = [entry for entry in field if entry.name in read or entry.name not in was_read]
        del field[:]
        field.extend(kept)  # type: ignore[arg-type]


def _read(graph: onnx.GraphProto) -> Collection[str]:
    return {name for node in graph.node for name in node_reads(node)} | {value.name for value in graph.output}
