"""A graph as linked objects: onnx-graphsurgeon's graph over the nodes of a protobuf, subgraphs included.

Only names and links go through graphsurgeon. Attributes, types, documentation and weights stay in the protobuf, for
its importer drops or refuses many of them; `origin` leads from each linked node back to its protobuf.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import onnx
import onnx_graphsurgeon as gs
from onnx_graphsurgeon.importers.onnx_importer import OnnxImporter

from rkgraph.graph.walk import subgraphs

__all__ = ["Linked"]


class Linked:
    """Linked objects of one graph and the graphs nested in it.

    Attributes:
        graph: the gs.Graph.
        origin: id of a gs.Node → its NodeProto; nodes that are added later have none.
        source: id of a gs.Graph → its GraphProto.
    """

    def __init__(self, proto: onnx.GraphProto) -> None:
        skeleton = onnx.ModelProto(ir_version=8, opset_import=[onnx.OperatorSetIdProto(version=1)])
        _skeleton(proto, skeleton.graph)
        self.graph: Any = gs.import_onnx(skeleton)
        _resolve_outputs(self.graph, {})
        self.origin: dict[int, onnx.NodeProto] = {}
        self.source: dict[int, onnx.GraphProto] = {}
        self._parents: dict[int, Any] = {}
        self._pair(self.graph, proto)
        self._read_at_first = {t.name for t in self.graph.inputs if t.outputs}

    def graphs(self) -> Iterator[Any]:
        """The graph, then all that are nested in it."""
        yield from _nested(self.graph)

    def reads(self, node: Any) -> Iterator[Any]:
        """The tensors that `node` reads, in its subgraphs too; those made inside the subgraphs included."""
        yield from (tensor for tensor in node.inputs if tensor.name)
        for inner in inner_graphs(node):
            for nested in _nested(inner):
                yield from nested.outputs
                for inner_node in nested.nodes:
                    yield from (tensor for tensor in inner_node.inputs if tensor.name)

    def path_to(self, graph: Any) -> list[Any]:
        """The graphs from the outermost to `graph`."""
        path = [graph]
        while id(path[0]) in self._parents:
            path.insert(0, self._parents[id(path[0])])
        return path

    def add(self, owner: Any, proto: onnx.NodeProto, ends: tuple[list[Any], list[Any]], seen: dict[str, Any]) -> Any:
        """A new gs.Node of `proto` for the graph `owner`, not yet in its list.

        Args:
            owner: a gs.Graph.
            proto: the node.
            ends: the tensors that it reads, and those that it makes.
            seen: the tensors that its subgraphs may read, by name.
        """
        inputs, outputs = ends
        node = gs.Node(op=proto.op_type, name=proto.name, inputs=inputs, outputs=outputs, domain=proto.domain)
        self.origin[id(node)] = proto
        for index, inner_proto in enumerate(subgraphs(proto)):
            skeleton = onnx.GraphProto(name=inner_proto.name)
            _skeleton(inner_proto, skeleton)
            inner = OnnxImporter.import_graph(skeleton, tensor_map=OrderedDict(seen), opset=1)
            _resolve_outputs(inner, seen)
            node.attrs[f"graph_{index}"] = inner
            self._parents[id(inner)] = owner
            self._pair(inner, inner_proto)
        return node

    def unread_initializers(self) -> frozenset[str]:
        """Initializers of the outermost graph that were read at first and are no more; inputs are not among them."""
        proto = self.source[id(self.graph)]
        kept = {value.name for value in proto.input} | {tensor.name for tensor in self.graph.outputs}
        unread = {t.name for t in self.graph.inputs if t.name in self._read_at_first and not t.outputs}
        return frozenset(unread - kept)

    def _pair(self, graph: Any, proto: onnx.GraphProto) -> None:
        self.source[id(graph)] = proto
        for node, origin in zip(graph.nodes, proto.node, strict=True):
            self.origin[id(node)] = origin
            for inner, inner_proto in zip(inner_graphs(node), subgraphs(origin), strict=True):
                self._parents[id(inner)] = graph
                self._pair(inner, inner_proto)


def _resolve_outputs(graph: Any, outer: dict[str, Any]) -> None:
    """Let outputs of subgraphs that are values of enclosing graphs be these: the importer makes strangers of them."""
    own = {tensor.name: tensor for node in graph.nodes for tensor in node.outputs if tensor.name}
    own |= {tensor.name: tensor for tensor in graph.inputs}
    visible = {**outer, **own}
    graph.outputs = [visible.get(tensor.name, tensor) for tensor in graph.outputs]
    for node in graph.nodes:
        for inner in inner_graphs(node):
            _resolve_outputs(inner, visible)


def inner_graphs(node: Any) -> list[Any]:
    """The gs graphs among the attributes of `node`, in the order of `walk.subgraphs`."""
    return [value for value in node.attrs.values() if isinstance(value, gs.Graph)]


def _nested(graph: Any) -> Iterator[Any]:
    yield graph
    for node in graph.nodes:
        for inner in inner_graphs(node):
            yield from _nested(inner)


def _skeleton(proto: onnx.GraphProto, into: onnx.GraphProto) -> None:
    """Names and links of `proto`. Initializers become inputs; every subgraph becomes an attribute of its own."""
    given = [value.name for value in proto.input]
    given += [tensor.name for tensor in proto.initializer]
    given += [sparse.values.name for sparse in proto.sparse_initializer]
    for name in dict.fromkeys(given):
        into.input.add(name=name)
    made = (name for node in proto.node for name in node.output if name)
    for name in dict.fromkeys(made):
        into.value_info.add(name=name)
    for value in proto.output:
        into.output.add(name=value.name)
    for node in proto.node:
        thin = into.node.add(
            op_type=node.op_type, domain=node.domain, name=node.name, input=node.input, output=node.output
        )
        for index, inner in enumerate(subgraphs(node)):
            attribute = thin.attribute.add(name=f"graph_{index}", type=onnx.AttributeProto.GRAPH)
            attribute.g.name = inner.name
            _skeleton(inner, attribute.g)
