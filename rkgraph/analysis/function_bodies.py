"""Function bodies written onto a tape: those that the ONNX standard gives for operators, and a model's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rkgraph.analysis.inlining import MOST_NODES, CannotInline, Inliner
from rkgraph.errors import RkgraphError
from rkgraph.graph.rewrite import Tape
from rkgraph.graph.tensors import dtype_code
from rkgraph.graph.view import GraphView, ModelView, Node

if TYPE_CHECKING:
    import onnx

__all__ = ["NoBody", "expand", "function_path", "inline"]


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
    attributes = {a.name: a for a in (*_defaults(graph, node), *function.attribute_proto, *proto.attribute)}
    names = dict(zip(function.input, node.inputs, strict=False))
    names |= dict.fromkeys(function.input[len(node.inputs) :], "")
    for inner in function.node:
        _write(inner, names, attributes, tape)
    wanted = dict(zip(function.output, node.outputs, strict=False))
    missing = [output for output, name in wanted.items() if name and output not in names]
    if missing:
        raise NoBody(f"the function body of {node.op} does not compute {missing[0]}")
    return tuple(names[output] if name else "" for output, name in wanted.items())


def inline(model: ModelView, node: Node, tape: Tape) -> tuple[str, ...]:
    """Write the body of the model's own function that `node` of the main graph calls onto `tape`; its outputs' names.

    Raises:
        NoBody: an operator means something else in the function's opset than in the model's, or the functions that it
            calls in turn are too many nodes.
    """
    functions = {function.path: function for function in model.functions}
    function = functions[function_path(node)]
    size = _expanded(function, functions, {}, ())
    if size > MOST_NODES:
        raise NoBody(f"{node.op} and the functions that it calls are more than {MOST_NODES} nodes when written out")
    _check_opsets(function, model.main)
    names = dict(zip(function.inputs, node.inputs, strict=False))
    names |= dict.fromkeys(function.inputs[len(node.inputs) :], "")
    try:
        return Inliner(function, tape, call=node.index).write(names)[: len(node.outputs)]
    except CannotInline as error:
        raise NoBody(f"the function {node.op} cannot be written out: {error.message}") from error


def function_path(node: Node) -> str:
    """The path of the function that the node calls, if the model has it."""
    return f"function:{node.domain}.{node.op}"


def _expanded(
    function: GraphView, functions: Mapping[str, GraphView], known: dict[str, int], inside: tuple[str, ...]
) -> int:
    """How many nodes the body is when all calls in it are written out. Raises NoBody for one that calls itself."""
    if function.path in inside:
        raise NoBody(f"{function.path} calls itself")
    if function.path not in known:
        known[function.path] = sum(
            1
            if (path := function_path(node)) not in functions
            else _expanded(functions[path], functions, known, (*inside, function.path))
            for node in _all_nodes(function)
        )
    return known[function.path]


def _all_nodes(graph: GraphView) -> Iterator[Node]:
    yield from graph.nodes
    for inner in graph.subgraphs:
        yield from _all_nodes(inner)


def _check_opsets(function: GraphView, main: GraphView) -> None:
    """Refuse a body whose operators mean something else in the opset of the model. Raises NoBody."""
    import onnx

    if function.opset == main.opset:
        return
    for node in _all_nodes(function):
        if node.domain in ("", "ai.onnx"):
            versions = {
                onnx.defs.get_schema(node.op, opset).since_version if onnx.defs.has(node.op) else 0
                for opset in (function.opset, main.opset)
            }
            if len(versions) > 1:
                raise NoBody(f"{node.op} in its body is of opset {function.opset}, the model of {main.opset}")


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


def _defaults(graph: GraphView, node: Node) -> list[onnx.AttributeProto]:
    """What the attributes are that the node leaves out, as far as the standard says."""
    import onnx

    declared = onnx.defs.get_schema(node.op, graph.opset).attributes
    return [one.default_value for one in declared.values() if one.default_value.type]


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
    if not values:
        raise NoBody("a constant of the function body is an attribute that the node leaves out")
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
