"""Other forms of what RK130 finds, which compute the same and come out right: a writer for each law that has one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import EXACT
from rkgraph.rulebook.known import NotKnown, axis_of, constant_of, dtype_of, float_of, input_of, rounding, shape_of

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.writer import Writer

__all__ = ["RIGHT_FORMS"]


def _product_and_sum(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    """α·A·B + β·C with MatMul, Mul and Add."""
    a, b, c = node.inputs[0], node.inputs[1], node.inputs[2]
    dtype, depth = float_of(graph, a), 1
    for place, name in ((0, "transA"), (1, "transB")):
        if node.attributes.get(name, 0):
            turned = write.transpose(node.inputs[place], (1, 0))
            a, b = (turned, b) if place == 0 else (a, turned)
    product = write.op("MatMul", a, b)
    alpha, beta = (float(node.attributes.get(name, 1.0)) for name in ("alpha", "beta"))
    if alpha != 1.0:
        product = write.op("Mul", product, write.constant(alpha, dtype, "alpha"))
    if beta != 1.0:
        c = write.op("Mul", c, write.constant(beta, dtype, "beta"))
    return write.rewrite({node.outputs[0]: write.op("Add", product, c)}, rounding(dtype, depth), "MatMul and Add")


def _rows_by_number(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    """The first rows in reverse, and the rest as they are: one Gather by constants."""
    rows, length = shape_of(graph, node.inputs[0])[0], int(constant_of(graph, node.inputs[1])[0])
    if length < 0:
        raise NotKnown(f"{node.label} has a length of {length}")
    order = [*reversed(range(length)), *range(length, rows)]
    new = write.op("Gather", node.inputs[0], write.integers(order, "order"), axis=0)
    return write.rewrite({node.outputs[0]: new}, EXACT, f"{length} of {rows} rows in reverse")


def _own_scale(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    """(q − u)·t = (q − z)·s·(t / s) + (z − u)·t: read back as it was quantized, then scaled and shifted."""
    name = node.inputs[0]
    while (maker := graph.producer(name)) is not None and maker.op != "QuantizeLinear":
        name = maker.inputs[0]
    if maker is None:
        raise NotKnown(f"{node.label} does not read what QuantizeLinear made")
    (s,), (t,) = (constant_of(graph, each.inputs[1])[:2] for each in (maker, node))
    zeros = [constant_of(graph, input_of(each, 2))[:2] if input_of(each, 2) else (0,) for each in (maker, node)]
    (z,), (u,) = zeros
    dtype, given = float_of(graph, node.outputs[0]), [each for each in maker.inputs[1:3] if each]
    if not s:
        raise NotKnown(f"{maker.label} has a scale of 0")
    new = write.op("DequantizeLinear", node.inputs[0], *given)
    if t != s:
        new = write.op("Mul", new, write.constant(t / s, dtype, "ratio"))
    if z != u:
        new = write.op("Add", new, write.constant((int(z) - int(u)) * t, dtype, "shift"))
    return write.rewrite({node.outputs[0]: new}, rounding(dtype, 2**16), "its own scale, then the other")


def _whole_base(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    """The base with all dimensions of the result."""
    wider = write.op("Expand", node.inputs[0], write.integers(shape_of(graph, node.outputs[0]), "shape"))
    return write.rewrite({node.outputs[0]: write.op("Pow", wider, node.inputs[1])}, EXACT, "the base expanded")


def _every_other(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    """The same pool in steps of 1, of which a pool of single elements takes every other column."""
    if len(node.outputs) > 1 and node.outputs[1]:
        raise NotKnown(f"{node.label} also says where the largest numbers lie")
    steps, dilations = node.attributes["strides"], node.attributes.get("dilations", (1, 1))
    reach = (node.attributes["kernel_shape"][1] - 1) * dilations[1] + 1
    columns, wanted = shape_of(graph, node.inputs[0])[3] - reach, shape_of(graph, node.outputs[0])[3] - 1
    if columns // steps[1] != wanted:
        raise NotKnown(f"{node.label} rounds its size up")
    kept = {key: value for key, value in node.attributes.items() if key in ("kernel_shape", "dilations")}
    whole = write.op("MaxPool", node.inputs[0], strides=[1, 1], **kept)
    new = write.op("MaxPool", whole, kernel_shape=[1, 1], strides=list(steps))
    return write.rewrite({node.outputs[0]: new}, EXACT, "steps of 1, and then more")


def _column(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    """Softmax of a column, reshaped: each number by itself."""
    shape = shape_of(graph, node.inputs[0])
    axis_of(node, len(shape), -1)
    column = write.reshape(node.inputs[0], (-1, 1))
    new = write.reshape(write.op(node.op, column, axis=1), shape)
    return write.rewrite({node.outputs[0]: new}, EXACT, "along 1 of two dimensions")


def _truth(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    """What is cast to bool, compared with zero: 0 and 1 whatever the numbers are."""
    mask = node.inputs[0]
    while (maker := graph.producer(mask)) is not None and maker.op == "Identity":
        mask = maker.inputs[0]
    if maker is None or maker.op != "Cast":
        raise NotKnown(f"{node.label} is not filled by a Cast")
    number = maker.inputs[0]
    dtype = dtype_of(graph, number)
    new = write.op("Not", write.op("Equal", number, write.constant(0, dtype, "zero")))
    return write.rewrite({node.outputs[0]: write.op("Where", new, *node.inputs[1:])}, EXACT, "not equal to 0")


RIGHT_FORMS: Mapping[str, Callable[[GraphView, Node, Writer], Rewrite]] = {
    "gemm-of-one": _product_and_sum,
    "equal-lengths": _rows_by_number,
    "other-quantization": _own_scale,
    "stretched-base": _whole_base,
    "uneven-stride": _every_other,
    "softmax-along-one": _column,
    "mask-of-numbers": _truth,
}
"""Law of `op_tables/wrong_numbers.toml` → what writes the node otherwise."""
