"""What the shape arithmetic of a model comes to, where it can be told: small tensors of whole numbers.

onnx's own data propagation knows Shape, Gather, Concat and a few more, and hands no result to Slice, Expand, Pad or
Range. This follows the operators that exporters put between a Shape and such an input (`shape_arithmetic`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rkgraph.graph.shape_arithmetic import INT64, OPERATORS, ShapeValue, attribute, of_tensor
from rkgraph.graph.tensors import SMALL

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

__all__ = ["INT64", "ShapeValue", "Static", "shape_values"]

Static = Mapping[str, tuple[int | None, ...]]


def shape_values(graph: GraphProto, shapes: Static) -> dict[str, ShapeValue]:
    """Name → value, for constants and for what nodes compute from them and from static `shapes`."""
    known = {tensor.name: value for tensor in graph.initializer if (value := of_tensor(tensor)) is not None}
    for node in graph.node:
        if node.domain in ("", "ai.onnx") and len(node.output) == 1:
            value = _evaluate(node, known, shapes)
            if value is not None and len(value.items) <= SMALL:
                known[node.output[0]] = value
    return known


def _evaluate(node: NodeProto, known: Mapping[str, ShapeValue], shapes: Static) -> ShapeValue | None:
    if node.op_type == "Constant":
        tensor = attribute(node, "value", None)
        return None if tensor is None else of_tensor(tensor)
    if node.op_type == "Shape":
        return _shape_of(node, shapes.get(node.input[0]))
    if node.op_type == "Size":
        return _size_of(shapes.get(node.input[0]))
    evaluate = OPERATORS.get(node.op_type)
    inputs = [known[name] for name in node.input if name in known]
    if evaluate is None or not inputs or len(inputs) < len(node.input):
        return None
    try:
        return evaluate(node, inputs)
    except (IndexError, ValueError, ZeroDivisionError, OverflowError, TypeError):
        return None  # not what the operator allows: the checker's business


def _shape_of(node: NodeProto, shape: tuple[int | None, ...] | None) -> ShapeValue | None:
    if shape is None:
        return None
    wanted = shape[slice(attribute(node, "start", None), attribute(node, "end", None))]
    sizes = tuple(size for size in wanted if size is not None)
    return ShapeValue(INT64, (len(sizes),), sizes) if len(sizes) == len(wanted) else None


def _size_of(shape: tuple[int | None, ...] | None) -> ShapeValue | None:
    sizes = [size for size in shape or () if size is not None]
    return ShapeValue(INT64, (), (math.prod(sizes),)) if shape is not None and len(sizes) == len(shape) else None
