"""Names in a model are text: protobuf hands out a string that is no UTF-8 as bytes, which nothing later expects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rkgraph.graph.walk import all_graphs, model_tensors, subgraphs

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TypeProto

__all__ = ["is_text"]


def is_text(model: ModelProto) -> bool:
    """False where a name, a symbolic dimension, a domain, metadata or a location in `model` is not UTF-8.

    Documentation strings are not looked at: they are copied and never read.
    """
    return all(isinstance(text, str) for text in _texts(model))


def _texts(model: ModelProto) -> Iterator[object]:
    yield from (model.producer_name, model.producer_version, model.domain)
    for entry in model.metadata_props:
        yield from (entry.key, entry.value)
    yield from _domains(model.opset_import)
    for tensor in model_tensors(model):
        yield tensor.name
        for entry in tensor.external_data:
            yield from (entry.key, entry.value)
    yield from _of_graphs(model.graph)
    for function in model.functions:
        yield from (function.name, function.domain, function.overload)
        yield from (*function.input, *function.output, *function.attribute)
        yield from _domains(function.opset_import)
        for value in function.value_info:
            yield value.name
            yield from _of_type(value.type)
        yield from _of_nodes(function.node)


def _domains(imports: Iterable[OperatorSetIdProto]) -> Iterator[object]:
    return (entry.domain for entry in imports)


def _of_graphs(graph: GraphProto) -> Iterator[object]:
    for inner in all_graphs(graph):
        yield inner.name
        for value in (*inner.input, *inner.output, *inner.value_info):
            yield value.name
            yield from _of_type(value.type)
        yield from _own_nodes(inner.node)


def _of_nodes(nodes: Iterable[NodeProto]) -> Iterator[object]:
    """The texts of nodes and of the graphs in them."""
    for node in nodes:
        yield from _own_nodes((node,))
        for graph in subgraphs(node):
            yield from _of_graphs(graph)


def _own_nodes(nodes: Iterable[NodeProto]) -> Iterator[object]:
    for node in nodes:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        for attribute in node.attribute:
            yield from (attribute.name, attribute.ref_attr_name)


def _of_type(type_: TypeProto) -> Iterator[object]:
    kind = type_.WhichOneof("value")
    if kind == "tensor_type":
        yield from (dim.dim_param for dim in type_.tensor_type.shape.dim)
    elif kind in ("sequence_type", "optional_type"):
        yield from _of_type(getattr(type_, kind).elem_type)
