"""Function bodies written onto a tape: those that the ONNX standard gives for operators, and a model's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rkgraph.errors import RkgraphError
from rkgraph.graph.rewrite import Tape
from rkgraph.graph.tensors import dtype_code
from rkgraph.graph.view import AttributeReference, Constant, GraphView, Node

if TYPE_CHECKING:
    import onnx

__all__ = ["NoBody", "expand", "inline"]


class NoBody(RkgraphError):
    """There is no function body for the operator, or not for this use of it, or it cannot be written out."""


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


def inline(function: GraphView, node: Node, tape: Tape) -> tuple[str, ...]:
    """Write the body of a model's own `function`, which `node` calls, onto `tape`; the names of its outputs.

    Raises:
        NoBody: the body has subgraphs or large constants, or needs an attribute that the node does not give.
    """
    names = dict(zip(function.inputs, node.inputs, strict=False))
    names |= dict.fromkeys(function.inputs[len(node.inputs) :], "")
    for inner in function.nodes:
        if inner.op == "Constant" and inner.domain in ("", "ai.onnx"):
            names[inner.outputs[0]] = _own_constant(function, inner, tape)
            continue
        attributes = {key: _resolved(value, node, inner) for key, value in inner.attributes.items()}
        given = {key: value for key, value in attributes.items() if not isinstance(value, AttributeReference)}
        inputs = (names.get(name, "") for name in inner.inputs)
        made = tape.ops(inner.op, *inputs, count=len(inner.outputs), domain=inner.domain, **given)
        names.update(zip(inner.outputs, made, strict=True))
    missing = [output for output in function.outputs[: len(node.outputs)] if output not in names]
    if missing:
        raise NoBody(f"the function {node.op} does not compute {missing[0]}")
    return tuple(names[output] for output in function.outputs[: len(node.outputs)])


def _own_constant(function: GraphView, inner: Node, tape: Tape) -> str:
    constant = function.constant(inner.outputs[0])
    if constant is None:
        raise NoBody(f"the constant {inner.outputs[0]} of its body is too large to be copied, or comes from outside")
    import numpy as np

    return tape.constant(np.array(constant.values, constant.dtype).reshape(constant.shape), constant.dtype)


def _resolved(value: Any, node: Node, inner: Node) -> Any:
    """An attribute in the body as it is for this call; a reference that the call does not give stays one."""
    if isinstance(value, AttributeReference):
        value = node.attributes.get(value.name, value)
    if value is None or isinstance(value, GraphView | Constant):
        raise NoBody(f"{inner.label} in its body has an attribute that is no plain value")
    return value


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
