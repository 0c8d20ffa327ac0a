"""Makes the read-only view of a model from its (weightless, shape-inferred) protobuf."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkgraph.graph.references import Reference, reference_of
from rkgraph.graph.tensors import decode, dtype_name, is_external, size_of, symbol_of
from rkgraph.graph.view import AttributeReference, Constant, Dim, GraphView, Held, ModelView, Node, Value

if TYPE_CHECKING:
    from onnx import (
        AttributeProto,
        FunctionProto,
        GraphProto,
        ModelProto,
        NodeProto,
        TensorProto,
        TypeProto,
        ValueInfoProto,
    )

__all__ = ["build_view"]

_WHOLE = frozenset({"int32", "int64"})


def build_view(
    model: ModelProto,
    path: str,
    sha256: str,
    inference_error: str = "",
    read: Callable[[Reference, str], bytes] | None = None,
) -> ModelView:
    """The view of `model`. Elements of tensors whose bytes are absent are not visible, all else is.

    `read` gives the bytes of large constants of whole numbers, where a rule asks for them.
    """
    opsets = _opsets(model.opset_import)
    return ModelView(
        path=path,
        sha256=sha256,
        ir_version=model.ir_version,
        main=_graph(model.graph, "main", opsets, None),
        functions=tuple(_function(function) for function in model.functions),
        producer=f"{model.producer_name} {model.producer_version}".strip(),
        metadata={entry.key: entry.value for entry in model.metadata_props},
        inference_error=inference_error,
        read=read,
    )


def _graph(graph: GraphProto, path: str, opsets: Mapping[str, int], parent: GraphView | None) -> GraphView:
    constants = {}
    stored: dict[str, Reference | bytes] = {}
    values: dict[str, Value] = {}
    for node in graph.node:
        for name in filter(None, node.output):
            values[name] = Value(name, "node")
    for info in (*graph.value_info, *graph.output):
        if info.name in values:
            values[info.name] = _value(info, "node")
    for info in graph.input:
        values[info.name] = _value(info, "input")
    for tensor in graph.initializer:
        values[tensor.name] = Value(tensor.name, "initializer", dtype_name(tensor.data_type), tuple(tensor.dims))
        small = decode(tensor)
        if small is not None:
            constants[tensor.name] = small
        else:
            stored |= _stored(tensor.name, tensor)
    for sparse in graph.sparse_initializer:
        name = sparse.values.name
        values[name] = Value(name, "initializer", dtype_name(sparse.values.data_type), tuple(sparse.dims))
    inputs = tuple(info.name for info in graph.input if values[info.name].kind == "input")
    outputs = tuple(info.name for info in graph.output)
    return _assemble(
        graph.node,
        path,
        values=values,
        inputs=inputs,
        outputs=outputs,
        constants=constants,
        opsets=opsets,
        parent=parent,
        stored=stored,
    )


def _stored(name: str, tensor: TensorProto) -> dict[str, Reference | bytes]:
    """The raw bytes of a tensor of whole numbers that is too large to be decoded, or where they lie, by `name`."""
    if dtype_name(tensor.data_type) not in _WHOLE:
        return {}
    if is_external(tensor):
        return {name: reference_of(tensor, Path())}
    return {name: tensor.raw_data} if tensor.raw_data else {}


def _function(function: FunctionProto) -> GraphView:
    path = f"function:{function.domain}.{function.name}{':' if function.overload else ''}{function.overload}"
    values = {name: Value(name, "node") for node in function.node for name in node.output if name}
    values |= {info.name: _value(info, "node") for info in function.value_info if info.name in values}
    values |= {name: Value(name, "input") for name in function.input}
    opsets = _opsets(function.opset_import)
    return _assemble(
        function.node,
        path,
        values=values,
        inputs=tuple(function.input),
        outputs=tuple(function.output),
        constants={},
        opsets=opsets,
        parent=None,
    )


def _assemble(
    protos: Iterable[NodeProto],
    path: str,
    *,
    values: dict[str, Value],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    constants: dict[str, Constant],
    opsets: Mapping[str, int],
    parent: GraphView | None,
    stored: dict[str, Reference | bytes] | None = None,
) -> GraphView:
    """The view of a graph or function; its subgraphs are built after it, for they refer to it as their parent."""
    pending: dict[str, tuple[dict[str, Any], AttributeProto]] = {}
    nodes = []
    for index, proto in enumerate(protos):
        attributes: dict[str, Any] = {}
        node = Node(
            index, proto.op_type, proto.domain, proto.name, tuple(proto.input), tuple(proto.output), path, attributes
        )
        for attribute in proto.attribute:
            if attribute.HasField("g") or attribute.graphs:
                inner = f"{path}/{node.label}.{attribute.name}"
                # Names of nodes need not be unique, paths of graphs must be.
                pending[f"{inner}#{index}" if inner in pending else inner] = attributes, attribute
            attributes[attribute.name] = _attribute(attribute)
        if node.op == "Constant" and node.domain in ("", "ai.onnx"):
            _add_constant(node, values, constants)
            _add_stored(proto, values, constants, stored if stored is not None else {})
        nodes.append(node)
    view = GraphView(path, tuple(nodes), values, inputs, outputs, constants, opsets, parent, stored)
    for inner, (attributes, attribute) in pending.items():
        if attribute.HasField("g"):
            attributes[attribute.name] = _graph(attribute.g, inner, opsets, view)
        else:
            attributes[attribute.name] = tuple(
                _graph(graph, f"{inner}.{i}", opsets, view) for i, graph in enumerate(attribute.graphs)
            )
    return view


def _add_constant(node: Node, values: dict[str, Value], constants: dict[str, Constant]) -> None:
    found = _constant_of(node.attributes)
    if found is None or not node.outputs:
        return
    name = node.outputs[0]
    constants[name] = Constant(found.dtype, found.shape, found.values)
    values[name] = Value(name, "node", found.dtype, found.shape)


def _add_stored(
    proto: NodeProto,
    values: dict[str, Value],
    constants: Mapping[str, Constant],
    stored: dict[str, Reference | bytes],
) -> None:
    """Where a Constant node has a large tensor of whole numbers, which is as good as an initializer."""
    for attribute in proto.attribute:
        found = _stored(proto.output[0], attribute.t) if attribute.name == "value" and proto.output else {}
        if found and proto.output[0] not in constants:
            stored |= found
            dtype, shape = dtype_name(attribute.t.data_type), tuple(attribute.t.dims)
            values[proto.output[0]] = Value(proto.output[0], "node", dtype, shape)


def _constant_of(attributes: Mapping[str, Any]) -> Constant | None:
    """What a Constant node holds; it has exactly one of these attributes."""
    for key, dtype in (("value_int", "int64"), ("value_float", "float32"), ("value_string", "string")):
        if key in attributes and not isinstance(attributes[key], AttributeReference):
            return Constant(dtype, (), (attributes[key],))
        elements = attributes.get(key + "s")
        if isinstance(elements, tuple):
            return Constant(dtype, (len(elements),), elements)
    value = attributes.get("value")
    return value if isinstance(value, Constant) else None


_ATTRIBUTES: dict[int, Callable[[AttributeProto], Any]] = {
    1: lambda a: a.f,
    2: lambda a: a.i,
    3: lambda a: a.s.decode("utf-8", "replace"),
    4: lambda a: decode(a.t),
    6: lambda a: tuple(a.floats),
    7: lambda a: tuple(a.ints),
    8: lambda a: tuple(s.decode("utf-8", "replace") for s in a.strings),
    9: lambda a: tuple(decode(t) for t in a.tensors),
}


def _attribute(attribute: AttributeProto) -> Any:
    """The value of an attribute, by its AttributeType; None for types that no rule reads (sparse tensors, types)."""
    if attribute.ref_attr_name:
        return AttributeReference(attribute.ref_attr_name)
    read = _ATTRIBUTES.get(attribute.type)
    return None if read is None else read(attribute)


def _value(info: ValueInfoProto, kind: str) -> Value:
    dtype, shape = _tensor_type(info.type)
    return Value(info.name, kind, dtype, shape, _held(info.type))


def _held(type_: TypeProto) -> Held | None:
    """What a sequence or optional type holds; None for tensors, and for what holds anything else."""
    optional = type_.HasField("optional_type")
    inner = type_.optional_type.elem_type if optional else type_
    sequence = inner.HasField("sequence_type")
    tensor = inner.sequence_type.elem_type if sequence else inner
    if not (optional or sequence) or not tensor.HasField("tensor_type"):
        return None
    return Held(optional, sequence, *_tensor_type(tensor))


def _tensor_type(type_: TypeProto) -> tuple[str | None, tuple[Dim, ...] | None]:
    """Dtype and shape of a tensor type; unknown for sequences, maps and optionals."""
    if not type_.HasField("tensor_type"):
        return None, None
    tensor = type_.tensor_type
    dtype = dtype_name(tensor.elem_type)
    if not tensor.HasField("shape"):
        return dtype, None
    sizes = ((size_of(dim), symbol_of(dim)) for dim in tensor.shape.dim)
    return dtype, tuple(symbol if size is None else size for size, symbol in sizes)


def _opsets(imports: Iterable[Any]) -> dict[str, int]:
    return {"" if entry.domain == "ai.onnx" else entry.domain: entry.version for entry in imports}
