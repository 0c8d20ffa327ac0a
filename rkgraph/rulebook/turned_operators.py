"""How operators read on values whose axes stand in another order: what a Transpose can be moved through.

A value v of `rank` axes is *turned* where v' is at hand, with v = Transpose(v', perm): axis k of v is axis perm[k] of
v'. An operator that commutes with that computes the turned result from turned operands: elementwise ones just as they
are, those that name axes with the axes renamed, and products with constant matrices from either side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkgraph.rulebook.known import NotKnown, axis_of, reduced_axes, shape_of
from rkgraph.rulebook.slicing import read_slice

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.writer import Writer

__all__ = ["Perm", "inverse", "turned_inputs", "write_turned"]

Perm = tuple[int, ...]

_ELEMENTWISE = frozenset(
    {
        "Abs", "Add", "Celu", "Clip", "Cos", "Div", "Elu", "Erf", "Exp", "Gelu", "HardSigmoid", "HardSwish", "Identity",
        "LeakyRelu", "Log", "Max", "Mean", "Min", "Mish", "Mul", "Neg", "PRelu", "Pow", "Reciprocal", "Relu", "Selu",
        "Sigmoid", "Sin", "Softplus", "Softsign", "Sqrt", "Sub", "Sum", "Tanh", "ThresholdedRelu",
    }
)  # fmt: skip
_SOFTMAX_OF_ONE_AXIS = 13


def inverse(perm: Sequence[int]) -> Perm:
    """The order that undoes `perm`."""
    return tuple(perm.index(axis) for axis in range(len(perm)))


def turned_inputs(graph: GraphView, node: Node, perm: Perm) -> tuple[str, ...] | None:
    """Which inputs have to be turned for the results to come out turned; None where the operator does not commute."""
    if node.domain not in ("", "ai.onnx"):
        return None
    rank = len(perm)
    try:
        if node.op in _ELEMENTWISE:
            return _operands(graph, node, rank)
        if node.op == "Concat":
            return node.inputs if all(len(shape_of(graph, name)) == rank for name in node.inputs) else None
        written = _WRITTEN.get(node.op)
        if written is None or len(shape_of(graph, node.inputs[0])) != rank or not written.fits(graph, node, perm):
            return None
        return node.inputs[:1]
    except NotKnown:
        return None


def write_turned(graph: GraphView, node: Node, perm: Perm, turned: Mapping[str, str], write: Writer) -> tuple[str, ...]:
    """Record the operator on turned values (`turned`: value → its turned name); the turned results, in their order."""
    if node.op in _ELEMENTWISE:
        return (write.op(node.op, *(turned.get(name, name) for name in node.inputs), **node.attributes),)
    if node.op == "Concat":
        return (write.concat([turned[name] for name in node.inputs], perm[axis_of(node, len(perm), 0)]),)
    return _WRITTEN[node.op].write(graph, node, perm, turned[node.inputs[0]], write)


@dataclass(frozen=True)
class _Written:
    """An operator that names axes, or has weights: whether it commutes, and how it is written on a turned value."""

    fits: Callable[[GraphView, Node, Perm], bool]
    write: Callable[[GraphView, Node, Perm, str, Writer], tuple[str, ...]]


def _softmax(graph: GraphView, node: Node, perm: Perm, x: str, write: Writer) -> tuple[str, ...]:
    del graph
    return (write.op(node.op, x, axis=perm[axis_of(node, len(perm), -1)]),)


def _reduction(graph: GraphView, node: Node, perm: Perm, x: str, write: Writer) -> tuple[str, ...]:
    return (write.reduce(node.op, x, sorted(perm[axis] for axis in reduced_axes(graph, node, len(perm)))),)


def _slice(graph: GraphView, node: Node, perm: Perm, x: str, write: Writer) -> tuple[str, ...]:
    cuts = [cut for cut in read_slice(graph, node) if len(cut.places) < cut.size]
    if not cuts:
        return (x,)
    ends = [cut.places[-1] + 1 for cut in cuts]
    return (write.slice(x, [perm[cut.axis] for cut in cuts], [cut.places[0] for cut in cuts], ends),)


def _split(graph: GraphView, node: Node, perm: Perm, x: str, write: Writer) -> tuple[str, ...]:
    axis = axis_of(node, len(perm), 0)
    return write.split(x, perm[axis], [shape_of(graph, name)[axis] for name in node.outputs])


def _product(graph: GraphView, node: Node, perm: Perm, x: str, write: Writer) -> tuple[str, ...]:
    weights = node.inputs[1]
    if perm[-1] == len(perm) - 1:
        return (write.op("MatMul", x, weights),)
    return (write.op("MatMul", _other_way_round(graph, weights, write), x),)


def _reduces(graph: GraphView, node: Node, perm: Perm) -> bool:
    reduced_axes(graph, node, len(perm))  # raises where they are computed
    return bool(node.attributes.get("keepdims", 1))


def _splits(graph: GraphView, node: Node, perm: Perm) -> bool:
    del perm
    return all(node.outputs) and all(shape_of(graph, name) for name in node.outputs)


def _multiplies(graph: GraphView, node: Node, perm: Perm) -> bool:
    """The axis that is summed up lies, turned, where one of the two factors of a product has it."""
    constant = graph.is_constant(node.inputs[1]) and len(shape_of(graph, node.inputs[1])) == 2
    return constant and len(perm) > 1 and perm[-1] in (len(perm) - 1, len(perm) - 2)


_ALONG_ONE_AXIS = _Written(lambda graph, _node, _perm: graph.opset >= _SOFTMAX_OF_ONE_AXIS, _softmax)
_REDUCTION = _Written(_reduces, _reduction)
_WRITTEN: Mapping[str, _Written] = {
    "LogSoftmax": _ALONG_ONE_AXIS,
    "MatMul": _Written(_multiplies, _product),
    "ReduceMax": _REDUCTION,
    "ReduceMean": _REDUCTION,
    "ReduceMin": _REDUCTION,
    "ReduceSum": _REDUCTION,
    "Slice": _Written(lambda graph, node, _perm: all(cut.step == 1 for cut in read_slice(graph, node)), _slice),
    "Softmax": _ALONG_ONE_AXIS,
    "Split": _Written(_splits, _split),
}


def _operands(graph: GraphView, node: Node, rank: int) -> tuple[str, ...] | None:
    """The operands that are more than one number: of the rank, or constants, to which axes of 1 can be added."""
    if len([name for name in node.outputs if name]) != 1 or len(shape_of(graph, node.outputs[0])) != rank:
        return None
    found = []
    for name in filter(None, node.inputs):
        shape = shape_of(graph, name)
        if all(size == 1 for size in shape) and (graph.is_constant(name) or not shape):
            continue
        if len(shape) != rank and not graph.is_constant(name):
            return None
        found.append(name)
    return tuple(dict.fromkeys(found)) or None


def _other_way_round(graph: GraphView, weights: str, write: Writer) -> str:
    import numpy as np  # lint imports rules, and has no time for numpy

    constant = graph.constant(weights)
    if constant is None:  # a large one: it folds where the constants are folded
        return write.transpose(weights, (1, 0))
    return write.constant(np.asarray(constant.values).reshape(constant.shape).T, constant.dtype, "weights")
