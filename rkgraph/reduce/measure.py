"""How large a model is: what a step of the reduction has to make smaller."""

from __future__ import annotations

from dataclasses import dataclass

import onnx

from rkgraph.graph.tensors import byte_size, element_count, is_external, size_of
from rkgraph.graph.walk import all_graphs, model_tensors

__all__ = ["Size", "measure"]

_DYNAMIC = 1 << 20  # what a dimension without a size counts for: a fixed one is simpler


@dataclass(frozen=True, order=True)
class Size:
    """Compared in this order. `edges`: inputs of nodes; `numbers`: elements of inputs and initializers together."""

    nodes: int
    edges: int
    ends: int
    attributes: int
    numbers: int
    weights: int
    bytes: int = 0


def measure(proto: onnx.ModelProto) -> Size:
    """The size of a weightless model; `bytes` is that of the graph and of the weights together."""
    nodes = [node for graph in all_graphs(proto.graph) for node in graph.node]
    nodes += [node for function in proto.functions for node in function.node]
    graph = proto.graph
    elements = sum(element_count(tensor.dims) for tensor in graph.initializer)
    return Size(
        nodes=len(nodes),
        edges=sum(bool(name) for node in nodes for name in node.input),
        ends=len(graph.input) + len(graph.output),
        attributes=sum(len(node.attribute) for node in nodes),
        numbers=elements + sum(_elements(value.type) for value in graph.input),
        weights=elements,
        bytes=proto.ByteSize() + sum(byte_size(tensor) or 0 for tensor in model_tensors(proto) if is_external(tensor)),
    )


def _elements(type_: onnx.TypeProto) -> int:
    count = 1
    for dim in type_.tensor_type.shape.dim:
        size = size_of(dim)
        count *= _DYNAMIC if size is None else size
    return count
