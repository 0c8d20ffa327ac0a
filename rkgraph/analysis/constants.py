"""Which values of a graph can be written down as constants, and what they are: evaluated, without reading weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from rkgraph.analysis.origins import RANDOM
from rkgraph.errors import RkgraphError
from rkgraph.graph.view import AttributeReference, Constant, GraphView, Node

if TYPE_CHECKING:
    import onnx

    from rkgraph.analysis.evaluator import Array

__all__ = ["NotFoldable", "fold", "foldable_values", "node_proto", "tensor_proto"]


class NotFoldable(RkgraphError):
    """The value cannot be evaluated."""


def foldable_values(graph: GraphView, is_fixed: Callable[[str], bool], largest: int) -> frozenset[str]:
    """The values that nodes compute from small constants and static shapes alone, none larger than `largest` elements.

    `is_fixed` says what depends on nothing else (large weights included; what reads their elements is left out here).
    Outputs of the graph are left out, too: the toolkit refuses a model whose outputs are constants.
    """
    found: set[str] = set()
    for node in graph.nodes:
        if not _can_be_evaluated(node) or not all(_is_small(graph, out, largest) for out in node.outputs if out):
            continue
        if not all(is_fixed(out) and out not in graph.outputs for out in node.outputs if out):
            continue
        needed = () if _asks_for_shape(node) else tuple(name for name in node.inputs if name)
        if all(name in found or graph.constant(name) is not None for name in needed):
            found.update(out for out in node.outputs if out)
    return frozenset(found)


def fold(graph: GraphView, name: str) -> Array:
    """The elements of a foldable value.

    Raises:
        NotFoldable: an operator cannot be evaluated, or more than small constants would be needed.
    """
    from rkgraph.analysis.evaluator import EvaluationError, evaluate

    try:
        return evaluate(_model_of(graph, name), {})[name]
    except EvaluationError as error:
        raise NotFoldable(f"{name} cannot be evaluated: {error.message}") from error


def _can_be_evaluated(node: Node) -> bool:
    plain = all(value is not None and not isinstance(value, GraphView) for value in node.attributes.values())
    # Compilers know the weights of a quantised layer by their DequantizeLinear; folded, the layer would not build.
    as_it_is = node.op in ("Constant", "DequantizeLinear") or node.op in RANDOM
    return plain and node.domain in ("", "ai.onnx") and not as_it_is


def _is_small(graph: GraphView, name: str, largest: int) -> bool:
    value = graph.value(name)
    shape = value.shape
    sizes = [size for size in shape or () if isinstance(size, int)]
    return shape is not None and value.dtype != "string" and len(sizes) == len(shape) and math.prod(sizes) <= largest


def _asks_for_shape(node: Node) -> bool:
    return node.op in ("Shape", "Size")


def _model_of(graph: GraphView, name: str) -> onnx.ModelProto:
    """A model without inputs whose one output is the value."""
    from onnx import helper

    nodes, constants = _cone(graph, name)
    return helper.make_model(
        helper.make_graph(
            [node_proto(node, graph.opset) for node in nodes],
            "fold",
            [],
            [helper.make_empty_tensor_value_info(name)],
            initializer=[tensor_proto(constant, key) for key, constant in constants.items()],
        ),
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in graph.opsets.items()],
        ir_version=helper.find_min_ir_version_for([helper.make_opsetid("", graph.opset)], ignore_unknown=True),
    )


def _cone(graph: GraphView, name: str) -> tuple[list[Node], dict[str, Constant]]:
    """The nodes that the value needs, producers first, and the constants that they read."""
    nodes: dict[int, Node] = {}
    constants: dict[str, Constant] = {}
    waiting = [name]
    while waiting:
        current = waiting.pop()
        constant = graph.constant(current)
        node = graph.producer(current)
        if constant is not None:
            constants[current] = constant
        elif node is None:
            raise NotFoldable(f"{name} depends on {current}, of which no elements are at hand")
        elif _asks_for_shape(node):
            constants[current] = _shape_constant(graph, node)
        elif node.index not in nodes:
            nodes[node.index] = node
            waiting.extend(i for i in node.inputs if i)
    return [nodes[index] for index in sorted(nodes)], constants


def _shape_constant(graph: GraphView, node: Node) -> Constant:
    shape = graph.value(node.inputs[0]).shape
    bounds = (node.attributes.get("start"), node.attributes.get("end"))
    if any(isinstance(bound, AttributeReference) for bound in bounds):
        raise NotFoldable(f"{node.label} takes its bounds from a function's attributes")
    wanted = () if shape is None else shape[slice(*bounds)]
    sizes = tuple(size for size in wanted if isinstance(size, int))
    if shape is None or len(sizes) < len(wanted):
        raise NotFoldable(f"the shape of {node.inputs[0]} is dynamic")
    return Constant("int64", (), (math.prod(sizes),)) if node.op == "Size" else Constant("int64", (len(sizes),), sizes)


def node_proto(node: Node, opset: int) -> onnx.NodeProto:
    """The node as a protobuf. Raises NotFoldable where the opset has no such operator."""
    import onnx
    from onnx import helper

    proto = helper.make_node(node.op, node.inputs, node.outputs, node.name)
    try:
        attributes = onnx.defs.get_schema(node.op, opset).attributes
    except onnx.defs.SchemaError as error:
        raise NotFoldable(f"{node.op} does not exist in opset {opset}") from error
    for name, value in node.attributes.items():
        kind = str(attributes[name].type).rpartition(".")[2]
        if value is None or isinstance(value, GraphView | AttributeReference):
            raise NotFoldable(f"attribute {name} of {node.label} is no plain value")
        plain = tensor_proto(value) if isinstance(value, Constant) else value
        proto.attribute.append(
            helper.make_attribute(name, plain, attr_type=onnx.AttributeProto.AttributeType.Value(kind))
        )
    return proto


def tensor_proto(constant: Constant, name: str = "") -> onnx.TensorProto:
    """The constant as a protobuf. Raises NotFoldable for dtypes that numpy has not."""
    import numpy as np
    from onnx import numpy_helper

    if constant.dtype in ("bfloat16", "string") or constant.dtype.startswith(("float8", "int4", "uint4", "float4")):
        raise NotFoldable(f"constants of {constant.dtype} are not evaluated")
    return numpy_helper.from_array(np.array(constant.values, dtype=constant.dtype).reshape(constant.shape), name)
