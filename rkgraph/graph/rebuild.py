"""From linked objects back to the protobuf: what was not touched is copied from the original, byte for byte."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Any

import onnx

from rkgraph.graph.changing import set_entries
from rkgraph.graph.links import Linked, inner_graphs
from rkgraph.graph.walk import subgraphs

__all__ = ["rebuild"]


def rebuild(
    linked: Linked, owner: Any, new: list[Any], dead: list[Any], constants: Iterable[onnx.TensorProto]
) -> onnx.GraphProto:
    """The protobuf of `linked` with the nodes `new` and the initializers `constants` added to its graph `owner`.

    Args:
        linked: the graph after rewiring.
        owner: the graph in it (a gs.Graph) that the new nodes belong to; its nodes are sorted again, stably.
        new: gs.Nodes; like all others they have a NodeProto in `linked.origin`.
        dead: gs.Nodes to leave out.
        constants: new initializers of `owner`.

    Raises:
        ValueError: the new links make a cycle.
    """
    gone = {id(node) for node in dead}
    unread = linked.unread_initializers()

    def write(graph: Any) -> onnx.GraphProto:
        source = linked.source[id(graph)]
        out = onnx.GraphProto()
        out.CopyFrom(source)
        nodes = [node for node in graph.nodes if id(node) not in gone]
        if graph is owner:
            nodes = _sorted(linked, graph, nodes, new)
            out.initializer.extend(constants)
        del out.node[:]
        for node in nodes:
            _write_node(linked, node, out.node.add())
            for inner, proto in zip(inner_graphs(node), subgraphs(out.node[-1]), strict=True):
                proto.CopyFrom(write(inner))
        for value, tensor in zip(out.output, graph.outputs, strict=True):
            if value.name != tensor.name:
                value.name = tensor.name
        _drop_vanished(source, out, unread if graph is linked.graph else frozenset())
        return out

    return write(linked.graph)


def _write_node(linked: Linked, node: Any, proto: onnx.NodeProto) -> None:
    proto.CopyFrom(linked.origin[id(node)])
    inputs, outputs = [t.name for t in node.inputs], [t.name for t in node.outputs]
    if list(proto.input) != inputs:
        proto.input[:] = inputs
    if list(proto.output) != outputs:
        proto.output[:] = outputs


def _sorted(linked: Linked, graph: Any, nodes: list[Any], new: list[Any]) -> list[Any]:
    """All nodes, makers before readers; old nodes keep their order, new ones come as early as they can be read."""
    keys = {id(node): (index, 0) for index, node in enumerate(nodes)}
    ready_after: dict[int, int] = {}
    for index, node in enumerate(new):  # the tape's order is a sorted one
        makers = [id(maker) for tensor in linked.reads(node) for maker in tensor.inputs]
        ready_after[id(node)] = max((ready_after.get(m, keys.get(m, (-1, 0))[0]) for m in makers), default=-1)
        keys[id(node)] = (ready_after[id(node)], index + 1)
    everything = [*nodes, *new]
    readers: dict[int, list[Any]] = {}
    missing: dict[int, int] = {}
    for node in everything:
        makers_here = {id(maker) for tensor in linked.reads(node) for maker in tensor.inputs if id(maker) in keys}
        missing[id(node)] = len(makers_here)
        for maker in makers_here:
            readers.setdefault(maker, []).append(node)
    by_id = {id(node): node for node in everything}
    heap = [(keys[i], i) for i, count in missing.items() if count == 0]
    heapq.heapify(heap)
    order = []
    while heap:
        _, current = heapq.heappop(heap)
        order.append(by_id[current])
        for reader in readers.get(current, ()):
            missing[id(reader)] -= 1
            if missing[id(reader)] == 0:
                heapq.heappush(heap, (keys[id(reader)], id(reader)))
    if len(order) != len(everything):
        raise ValueError(f"a rewrite makes a cycle in graph {graph.name!r}")
    return order


def _drop_vanished(source: onnx.GraphProto, out: onnx.GraphProto, unread: frozenset[str]) -> None:
    """Take out initializers that nobody reads any more, and notes about values that are no more."""
    now = {name for node in out.node for name in node.output}
    vanished = {name for node in source.node for name in node.output} - now | unread
    for field in (out.initializer, out.value_info):
        _keep(field, [entry for entry in field if entry.name not in vanished])
    _keep(out.sparse_initializer, [entry for entry in out.sparse_initializer if entry.values.name not in vanished])
    _keep(out.quantization_annotation, [e for e in out.quantization_annotation if e.tensor_name not in vanished])


def _keep(field: Any, entries: list[Any]) -> None:
    if len(entries) != len(field):
        set_entries(field, entries)
