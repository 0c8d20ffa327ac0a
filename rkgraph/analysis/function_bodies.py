"""The function body that the ONNX standard gives for an operator, written onto a tape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rkgraph.errors import RkgraphError
from rkgraph.graph.rewrite import Tape
from rkgraph.graph.tensors import dtype_code
from rkgraph.graph.view import GraphView, Node

if TYPE_CHECKING:
    import onnx

__all__ = ["NoBody", "expand"]


class NoBody(RkgraphError):
    """The standard gives no function body for the operator, or not for this use of it."""


def expand(graph: GraphView, node: Node, tape: Tape) -> tuple[str, ...]:
    """Write the body of `node`'s operator onto `tape`; the names of its outputs are returned, "" for unused ones.

    Bodies are those of onnx.defs (`function_body`, or for operators whose body depends on types and attributes,
    `get_context_dependent_function`).

    Raises:
        NoBody: there is none, an input's dtype is unknown, or the body has subgraphs.
    """
    proto = _node_proto(node)
    function = _body(graph, node, proto)
    attributes = {a.name: a for a in (*function.attribute_proto, *proto.attribute)}
    names = dict(zip(function.input, node.inputs, strict=False))
    names |= dict.fromkeys(function.input[len(node.inputs) :], "")
    for inner in function.node:
        _write(inner, names, attributes, tape)
    wanted = dict(zip(function.output, node.outputs, strict=False))
    missing = [output for output, name in wanted.items() if name and output not in names]
    if missing:
        raise NoBody(f"the function body of {node.op} does not compute {missing[0]}")
    return tuple(names[output] if name else "" for output, name in wanted.items())


def _body(graph: GraphView, node: Node, proto: onnx.NodeProto) -> onnx.FunctionProto:
    import onnx

    schema: Any = onnx.defs.get_schema(node.op, graph.opset)
    if schema.has_function:
        body: onnx.FunctionProto = schema.function_body
        return body
    if not schema.has_context_dependent_function:
        raise NoBody(f"the ONNX standard does not say how to write {node.op} with older operators")
    types = [_type(graph, name) for name in node.inputs]
    versions = schema.context_dependent_function_opset_versions
    fitting = [version for version in versions if version <= graph.opset] or versions
    text = schema.get_context_dependent_function_with_opset_version(max(fitting), proto.SerializeToString(), types)
    if not text:
        raise NoBody(f"the ONNX standard has no function body for this use of {node.op}")
    return onnx.FunctionProto.FromString(text)


def _type(graph: GraphView, name: str) -> bytes:
    import onnx

    if not name:
        return b""
    value = graph.value(name)
    if value.dtype is None:
        raise NoBody(f"the dtype of {name} is unknown")
    return bytes(onnx.helper.make_tensor_type_proto(dtype_code(value.dtype), value.shape).SerializeToString())


def _node_proto(node: Node) -> onnx.NodeProto:
    from onnx import helper

    plain: dict[str, Any] = {
        key: value for key, value in node.attributes.items() if isinstance(value, int | float | str | tuple)
    }
    if len(plain) < len(node.attributes):
        raise NoBody(f"an attribute of {node.label} is no plain value")
    return helper.make_node(node.op, node.inputs, node.outputs, **plain)


def _write(
    inner: onnx.NodeProto, names: dict[str, str], attributes: dict[str, onnx.AttributeProto], tape: Tape
) -> None:
    given = [attributes.get(a.ref_attr_name) if a.ref_attr_name else a for a in inner.attribute]
    own = [a.name for a in inner.attribute]
    values = {name: _value(a) for name, a in zip(own, given, strict=True) if a is not None}
    if inner.op_type == "Constant":
        names[inner.output[0]] = _constant(values, tape)
        return
    new = tape.ops(
        inner.op_type,
        *(names[i] if i else "" for i in inner.input),
        count=len(inner.output),
        domain=inner.domain,
        **values,
    )
    names.update(zip(inner.output, new, strict=True))


def _constant(values: dict[str, Any], tape: Tape) -> str:
    """A Constant node of a body as a constant of the tape."""
    (key, value), *_ = values.items()
    if key == "value":
        return tape.constant(value, value.dtype.name)
    return tape.constant(value, "float32" if key.startswith("value_float") else "int64")


def _value(attribute: onnx.AttributeProto) -> Any:
    import onnx

    if attribute.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS):
        raise NoBody("the function body has subgraphs")
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, onnx.TensorProto):
        return onnx.numpy_helper.to_array(value)
    if isinstance(value, bytes):
        return value.decode()
    return tuple(value) if isinstance(value, list) else value
