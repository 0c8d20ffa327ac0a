"""Copies of nodes and initializers out of subgraphs and functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import onnx

from rkgraph.graph.copies import CopiedTensor, Place, Source
from rkgraph.graph.tensors import byte_size, dtype_name
from rkgraph.graph.walk import subgraphs

__all__ = ["Originals"]

PACKED = frozenset({"int4", "uint4", "int2", "uint2"})
"""Whole numbers of which several share a byte."""


class Originals:
    """The graphs of a model as they were before a rewrite, for copies."""

    def __init__(self, graph: onnx.GraphProto, functions: Iterable[onnx.FunctionProto] = ()) -> None:
        self._graph = graph
        self._functions = {_path(function): function for function in functions}

    def attributes(self, source: Source, prefix: str) -> list[onnx.AttributeProto]:
        """The attributes of the node at `source`; names made inside its subgraphs begin with `prefix`.

        Raises:
            ValueError: there is no such node.
        """
        node = self._node(source.place, source.index)
        copies = list(_resolved(node.attribute, self._given(source)))
        for graph in (g for copy in copies for g in ([copy.g] if copy.HasField("g") else copy.graphs)):
            _resolve_inside(graph, self._given(source))
            _rename(graph, source.renames, prefix)
        return copies

    def tensor(self, copied: CopiedTensor, name: str) -> onnx.TensorProto:
        """The initializer at `copied`, called `name`. Raises ValueError where none is as is asked."""
        holder = self._holder(copied.place)
        for tensor in holder.initializer if isinstance(holder, onnx.GraphProto) else ():
            if tensor.name == copied.name:
                copy = onnx.TensorProto()
                copy.CopyFrom(tensor)
                copy.name = name
                return _as_bytes(copy) if copied.as_bytes else copy
        raise ValueError(f"a rewrite copies the initializer {copied.name!r}, which is not at {copied.place}")

    def _given(self, source: Source) -> dict[str, onnx.AttributeProto] | None:
        """What the attributes of the function are at this call: its own, or the defaults; None outside functions."""
        if source.call is None:
            return None
        function = self._functions[source.place.function]
        attributes = (*function.attribute_proto, *self._graph.node[source.call].attribute)
        return {attribute.name: attribute for attribute in attributes}

    def _node(self, place: Place, index: int) -> onnx.NodeProto:
        nodes = self._holder(place).node
        if index >= len(nodes):
            raise ValueError(f"a rewrite copies node {index} of {place}, which has {len(nodes)}")
        return nodes[index]

    def _holder(self, place: Place) -> onnx.GraphProto | onnx.FunctionProto:
        holder: onnx.GraphProto | onnx.FunctionProto = self._graph
        if place.function:
            if place.function not in self._functions:
                raise ValueError(f"a rewrite copies from {place.function}, which is not in the model")
            holder = self._functions[place.function]
        for index, name, number in place.steps:
            attribute = next(a for a in holder.node[index].attribute if a.name == name)
            holder = attribute.g if attribute.HasField("g") else attribute.graphs[number]
        return holder


def _as_bytes(tensor: onnx.TensorProto) -> onnx.TensorProto:
    """The same stored bytes, wherever they lie, as uint8. Raises ValueError for elements that share none."""
    name, size = dtype_name(tensor.data_type), byte_size(tensor)
    if name not in PACKED or size is None:
        raise ValueError(f"{tensor.name!r} is {name}, of which no element shares a byte with others")
    tensor.data_type = onnx.TensorProto.UINT8
    tensor.dims[:] = [size]
    return tensor


def _path(function: onnx.FunctionProto) -> str:
    """As `GraphView.path` has it."""
    return f"function:{function.domain}.{function.name}{':' if function.overload else ''}{function.overload}"


def _resolved(
    attributes: Iterable[onnx.AttributeProto], given: Mapping[str, onnx.AttributeProto] | None
) -> Iterable[onnx.AttributeProto]:
    """Copies of attributes; those that refer to an attribute of the function take its value, or are absent."""
    for attribute in attributes:
        if attribute.ref_attr_name and given is not None and attribute.ref_attr_name not in given:
            continue
        copy = onnx.AttributeProto()
        refers = attribute.ref_attr_name and given is not None
        copy.CopyFrom(given[attribute.ref_attr_name] if refers and given is not None else attribute)
        copy.name = attribute.name
        yield copy


def _resolve_inside(graph: onnx.GraphProto, given: Mapping[str, onnx.AttributeProto] | None) -> None:
    if given is None:
        return
    for node in graph.node:
        kept = list(_resolved(node.attribute, given))
        del node.attribute[:]
        node.attribute.extend(kept)
        for inner in subgraphs(node):
            _resolve_inside(inner, given)


def _rename(graph: onnx.GraphProto, outer: Mapping[str, str], prefix: str) -> None:
    """Give new names to all that `graph` makes, and to what it reads from outside the names of `outer`."""
    made = [value.name for value in graph.input] + [tensor.name for tensor in graph.initializer]
    made += [sparse.values.name for sparse in graph.sparse_initializer]
    made += [name for node in graph.node for name in node.output]
    names = {**outer, **{name: f"{prefix}/{name}" for name in made if name}}
    for value in (*graph.input, *graph.output, *graph.value_info):
        value.name = names.get(value.name, value.name)
    for tensor in graph.initializer:
        tensor.name = names[tensor.name]
    for sparse in graph.sparse_initializer:
        sparse.values.name = names[sparse.values.name]
    for annotation in graph.quantization_annotation:
        annotation.tensor_name = names.get(annotation.tensor_name, annotation.tensor_name)
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
        for inner in subgraphs(node):
            _rename(inner, names, prefix)
