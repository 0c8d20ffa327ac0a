"""Nodes that hand on an input as it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rkgraph.graph.view import Constant, GraphView, Node

__all__ = ["handed_on"]


def handed_on(graph: GraphView, node: Node) -> str | None:
    """The input that the node's output equals bit for bit, None if it changes something or if nobody can tell."""
    decide = _NO_OPS.get(node.op)
    if decide is None or node.domain not in ("", "ai.onnx") or not node.inputs or not node.outputs:
        return None
    return decide(graph, node)


def _identity(_graph: GraphView, node: Node) -> str | None:
    return node.inputs[0]


def _dropout(graph: GraphView, node: Node) -> str | None:
    """In inference Dropout is the identity; its mask, where somebody reads it, is not."""
    if any(graph.consumers(name) or name in graph.outputs for name in node.outputs[1:] if name):
        return None
    if graph.opset < 7 and not node.attributes.get("is_test", 0):
        return None
    if len(node.inputs) > 2 and node.inputs[2]:
        training = graph.constant(node.inputs[2])
        if training is None or any(training.values):
            return None
    return node.inputs[0]


def _cast(graph: GraphView, node: Node) -> str | None:
    before, after = graph.value(node.inputs[0]).dtype, graph.value(node.outputs[0]).dtype
    return node.inputs[0] if before is not None and before == after else None


def _transpose(graph: GraphView, node: Node) -> str | None:
    """The identical permutation; without the attribute the axes are reversed, which changes nothing up to rank 1."""
    perm = node.attributes.get("perm")
    if perm is None:
        shape = graph.value(node.inputs[0]).shape
        return node.inputs[0] if shape is not None and len(shape) <= 1 else None
    return node.inputs[0] if isinstance(perm, tuple) and perm == tuple(range(len(perm))) else None


def _same_shape(graph: GraphView, node: Node) -> str | None:
    """Reshape, Expand, Flatten … to the static shape that the input has already: same elements, same order."""
    before, after = graph.value(node.inputs[0]), graph.value(node.outputs[0])
    return node.inputs[0] if before.is_static and before.shape == after.shape else None


def _concat(_graph: GraphView, node: Node) -> str | None:
    return node.inputs[0] if len(node.inputs) == 1 else None


def _subtracts_zero(graph: GraphView, node: Node) -> str | None:
    """X − (+0.0) is x for every x, −0.0 and NaN too; for whole numbers any zero will do."""
    return _neutral(graph, node, (1,), lambda v: v == 0 and not _is_negative_zero(v))


def _adds_zero(graph: GraphView, node: Node) -> str | None:
    """X + (−0.0) is x for every x. x + (+0.0) is not: it makes +0.0 of −0.0. For whole numbers any zero will do."""
    return _neutral(graph, node, (1, 0), lambda v: v == 0 and (_is_negative_zero(v) or not isinstance(v, float)))


def _multiplies_by_one(graph: GraphView, node: Node) -> str | None:
    """X · 1 is x for every x, −0.0, infinities and NaN too. A scale stays behind what `_is_normalised`."""
    source = _neutral(graph, node, (1, 0), lambda v: v == 1)
    return None if source is not None and _is_normalised(graph, source) else source


def _divides_by_one(graph: GraphView, node: Node) -> str | None:
    return _neutral(graph, node, (1,), lambda v: v == 1)


def _neutral(graph: GraphView, node: Node, places: tuple[int, ...], is_neutral: Callable[[float], bool]) -> str | None:
    """The other input of a node one of whose inputs (at `places`) is a neutral constant that does not widen it."""
    for place in places:
        constant = graph.constant(node.inputs[place])
        other = node.inputs[1 - place]
        if constant is not None and _is_all(constant, is_neutral) and _same_type(graph, other, node.outputs[0]):
            return other
    return None


def _is_normalised(graph: GraphView, name: str) -> bool:
    """Whether the value is x / √y: the compiler fuses LayerNorm and RMSNorm only where a scale follows, ones or not."""
    node = graph.producer(name)
    if node is None or node.op not in ("Mul", "Div"):
        return False
    return any(_is_root(graph, given) for given in (node.inputs if node.op == "Mul" else node.inputs[1:]))


def _is_root(graph: GraphView, name: str) -> bool:
    """Whether the value is √y or 1/√y."""
    node = graph.producer(name)
    if node is not None and (node.op == "Reciprocal" or (node.op == "Div" and graph.constant(node.inputs[0]))):
        node = graph.producer(node.inputs[-1])
    return node is not None and node.op == "Sqrt"


def _is_all(constant: Constant, is_neutral: Callable[[float], bool]) -> bool:
    return bool(constant.values) and all(is_neutral(value) for value in constant.values)


def _is_negative_zero(value: float) -> bool:
    return isinstance(value, float) and math.copysign(1.0, value) < 0


def _same_type(graph: GraphView, one: str, other: str) -> bool:
    a, b = graph.value(one), graph.value(other)
    return a.is_static and a.shape == b.shape and a.dtype is not None and a.dtype == b.dtype


_NO_OPS: Mapping[str, Callable[[GraphView, Node], str | None]] = {
    "Identity": _identity,
    "Dropout": _dropout,
    "Cast": _cast,
    "Transpose": _transpose,
    "Reshape": _same_shape,
    "Expand": _same_shape,
    "Flatten": _same_shape,
    "Squeeze": _same_shape,
    "Unsqueeze": _same_shape,
    "Concat": _concat,
    "Add": _adds_zero,
    "Sub": _subtracts_zero,
    "Mul": _multiplies_by_one,
    "Div": _divides_by_one,
}
