"""The root √(mean of squares + ε) of a norm over the last axis, read upwards in all spellings of its parts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rkgraph.records import Record
from rkgraph.rulebook.pattern import scalar

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

__all__ = ["Centred", "Moments", "centred_of", "moments_of", "other_of", "standard"]

DIGITS = 1e-6
"""In parts: how near 1/size has to be."""


class Centred(Record):
    """Values x − mean(x) over the last axis: x, the mean, the nodes, and whether it is a Sub of a ReduceMean."""

    x: str
    mean: str
    nodes: tuple[Node, ...]
    plain: bool


class Moments(Record):
    """What stands under a root, and the root.

    `kind` is "layer" where what is squared is centred, else "rms". `squared` is what is squared, `means` the values
    that are the mean of `x` here; `is_inverse` says that the root gives 1/√…; `plain` that only forms occur that are
    fused.
    """

    kind: str
    x: str
    squared: str
    means: frozenset[str]
    epsilon: float
    root: Node
    is_inverse: bool
    nodes: tuple[Node, ...]
    plain: bool


class _Mean(Record):
    """A mean over the last axis of `of`, squared first where `squares`."""

    of: str
    squares: bool
    nodes: tuple[Node, ...]


def moments_of(graph: GraphView, root: Node) -> Moments | None:
    """What `root` (Sqrt or Pow) is the root of, where that is a mean of squares and a small number; None else."""
    given = _radicand(graph, root)
    if given is None:
        return None
    is_inverse, name, above = given
    shifted = _made_by(graph, name, "Add")
    epsilon = _number(graph, shifted) if shifted is not None else None
    if shifted is None or epsilon is None or not 0.0 < epsilon[0] < 1.0:
        return None
    mean = _mean(graph, epsilon[1])
    squared = _squared(graph, mean) if mean is not None else None
    if mean is None or squared is None:
        return None
    name, squares = squared
    centred = centred_of(graph, name)
    nodes = (*above, root, shifted, *mean.nodes, *squares, *(centred.nodes if centred is not None else ()))
    return Moments(
        "rms" if centred is None else "layer",
        name if centred is None else centred.x,
        name,
        frozenset() if centred is None else frozenset({centred.mean}),
        epsilon[0],
        root,
        is_inverse,
        nodes,
        plain=root.op == "Sqrt"
        and not is_inverse
        and mean.nodes[0].op == "ReduceMean"
        and (centred is None or centred.plain),
    )


def centred_of(graph: GraphView, name: str) -> Centred | None:
    """Finds x − mean(x) over the last axis, by Sub or as x + (−mean(x)); None for all else."""
    node = _made_by(graph, name, "Sub", "Add")
    if node is None:
        return None
    if node.op == "Sub":
        mean = _mean(graph, node.inputs[1])
        if mean is None or mean.squares or mean.of != node.inputs[0]:
            return None
        plain = mean.nodes[0].op == "ReduceMean"
        return Centred(mean.of, node.inputs[1], (node, *mean.nodes), plain)
    for taken in node.inputs:
        negated = _made_by(graph, taken, "Neg")
        mean = _mean(graph, negated.inputs[0]) if negated is not None else None
        if negated is not None and mean is not None and not mean.squares and mean.of == other_of(node, taken):
            return Centred(mean.of, negated.inputs[0], (node, negated, *mean.nodes), False)
    return None


def other_of(node: Node, name: str) -> str:
    """The other of two inputs; `name` itself where both are it."""
    return node.inputs[1] if node.inputs[0] == name else node.inputs[0]


def standard(node: Node) -> bool:
    """Whether the node is of the standard domain."""
    return node.domain in ("", "ai.onnx")


def _radicand(graph: GraphView, root: Node) -> tuple[bool, str, tuple[Node, ...]] | None:
    """Whether the root is inverted, what it is the root of, and nodes in front; None where it is no root."""
    if root.op == "Pow":
        exponent = scalar(graph, root.inputs[1])
        return (exponent < 0, root.inputs[0], ()) if exponent is not None and abs(exponent) == 0.5 else None
    turned = _made_by(graph, root.inputs[0], "Reciprocal", "Div")
    if turned is None:
        return False, root.inputs[0], ()
    if turned.op == "Div" and scalar(graph, turned.inputs[0]) != 1.0:
        return None
    return True, turned.inputs[-1], (turned,)


def _mean(graph: GraphView, name: str) -> _Mean | None:
    """The mean over the last axis, kept, that a value is."""
    node = _made_by(graph, name, "ReduceMean", "Div", "Mul", "MatMul")
    if node is None:
        return None
    if node.op == "ReduceMean":
        return _Mean(node.inputs[0], False, (node,)) if _is_over_last(graph, node) else None
    if node.op == "MatMul":
        return _Mean(node.inputs[0], False, (node,)) if _averages(graph, node) else None
    number = _number(graph, node) if node.op == "Mul" else _divisor(graph, node)
    total = _made_by(graph, number[1], "ReduceSum", "ReduceSumSquare") if number is not None else None
    size = _size(graph, total.inputs[0]) if total is not None else None
    if number is None or total is None or size is None or not _is_over_last(graph, total):
        return None
    wanted = 1.0 / size if node.op == "Mul" else float(size)
    right = math.isclose(number[0], wanted, rel_tol=DIGITS)
    return _Mean(total.inputs[0], total.op == "ReduceSumSquare", (node, total)) if right else None


def _squared(graph: GraphView, mean: _Mean) -> tuple[str, tuple[Node, ...]] | None:
    """What is squared before the mean is taken, and the node that squares."""
    if mean.squares:
        return mean.of, ()
    node = _made_by(graph, mean.of, "Pow", "Mul")
    if node is None or (scalar(graph, node.inputs[1]) != 2.0 if node.op == "Pow" else len(set(node.inputs)) != 1):
        return None
    return node.inputs[0], (node,)


def _averages(graph: GraphView, node: Node) -> bool:
    """Whether a product is one with a column of 1/size."""
    size, column = _size(graph, node.inputs[0]), graph.constant(node.inputs[1])
    if size is None or column is None or graph.value(node.inputs[1]).shape != (size, 1):
        return False
    return all(
        not isinstance(number, str) and math.isclose(number, 1.0 / size, rel_tol=DIGITS) for number in column.values
    )


def _is_over_last(graph: GraphView, node: Node) -> bool:
    """Whether a reduction runs over the last axis alone, and keeps it."""
    shape, given = graph.value(node.inputs[0]).shape, node.attributes.get("axes")
    if given is None and len(node.inputs) > 1:
        constant = graph.constant(node.inputs[1])
        given = constant.values if constant is not None else None
    last = (-1,) if shape is None else (-1, len(shape) - 1)
    return isinstance(given, tuple) and len(given) == 1 and given[0] in last and node.attributes.get("keepdims", 1) == 1


def _number(graph: GraphView, node: Node) -> tuple[float, str] | None:
    """The number that a sum or product has, and its other operand; None where it has none."""
    for name in node.inputs:
        number = scalar(graph, name)
        if number is not None:
            return number, other_of(node, name)
    return None


def _divisor(graph: GraphView, node: Node) -> tuple[float, str] | None:
    number = scalar(graph, node.inputs[1])
    return None if number is None else (number, node.inputs[0])


def _size(graph: GraphView, name: str) -> int | None:
    """How long the last axis is."""
    shape = graph.value(name).shape
    return shape[-1] if shape and isinstance(shape[-1], int) else None


def _made_by(graph: GraphView, name: str, *ops: str) -> Node | None:
    node = graph.producer(name) if name else None
    return node if node is not None and node.op in ops and standard(node) else None
