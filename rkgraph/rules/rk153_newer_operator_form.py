"""RK153: operators of opset 23, in plain arithmetic of static shapes that the compiler takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import NotKnown, axis_of, float_of, input_of, lower, rounding, shape_of
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

IMAGE, SEQUENCE = 4, 3
"""Ranks of (batch, heads, positions, size) and of (batch, positions, heads · size)."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live operator of these."""
    for graph, node in needing(lint, _WRITE):
        yield not_as_it_is(lint, graph, node, "it can be products and sums of its halves")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Write the operator out for the shapes at hand."""
    return lower(lint, finding, "rk153", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    dtype, shape = float_of(graph, node.inputs[0]), shape_of(graph, node.inputs[0])
    new = _WRITE[node.op](graph, node, write)
    return write.rewrite({node.outputs[0]: new}, rounding(dtype, math.prod(shape)), f"{node.op} written out")


def _rms(graph: GraphView, node: Node, write: Writer) -> str:
    """X · (1 / √(mean(x²) + ε)) · scale over one flat axis, node for node as the compiler fuses it (RK507)."""
    x, scale = node.inputs[:2]
    dtype, shape = float_of(graph, x), shape_of(graph, x)
    axis = axis_of(node, len(shape), -1)
    width = math.prod(shape[axis:])
    if shape_of(graph, scale) != shape[axis:]:
        raise NotKnown(f"the scale of {node.label} is not of the shape {shape[axis:]}")
    flat = axis < len(shape) - 1
    rows = write.reshape(x, (math.prod(shape[:axis]), width)) if flat else x
    square = write.op("Pow", rows, write.constant(2.0, dtype, "two"))
    epsilon = write.constant(float(node.attributes.get("epsilon", 1e-5)), dtype, "epsilon")
    root = write.op("Sqrt", write.op("Add", write.reduce("ReduceMean", square, (-1,)), epsilon))
    normed = write.op("Mul", rows, write.op("Div", write.constant(1.0, dtype, "one"), root))
    scaled = write.op("Mul", normed, write.reshape(scale, (width,)) if flat else scale)
    return write.reshape(scaled, shape) if flat else scaled


def _rotary(graph: GraphView, node: Node, write: Writer) -> str:
    """Rotation of pairs by the angles of their positions: (a·cos − b·sin, b·cos + a·sin)."""
    x, cosines, sines = node.inputs[:3]
    shape = shape_of(graph, x)
    if len(shape) not in (IMAGE, SEQUENCE):
        raise NotKnown(f"{x} is of rank {len(shape)}, not {SEQUENCE} or {IMAGE}")
    heads = shape[1] if len(shape) == IMAGE else int(node.attributes.get("num_heads", 0))
    if heads < 1 or (len(shape) == SEQUENCE and shape[2] % heads):
        raise NotKnown(f"{node.label} has {heads} heads in {shape}")
    batch, positions = shape[0], shape[-2]
    size = shape[-1] if len(shape) == IMAGE else shape[-1] // heads
    turned = int(node.attributes.get("rotary_embedding_dim", 0)) or size
    if turned > size or turned % 2:
        raise NotKnown(f"{node.label} turns {turned} of {size} numbers")
    # heads behind the positions where they are so anyway: nothing is transposed
    split = (batch, heads, positions, size) if len(shape) == IMAGE else (batch, positions, heads, size)
    place = (1, positions) if len(shape) == IMAGE else (positions, 1)

    def table(name: str) -> str:
        """Cosines or sines as (batch, 1, positions, width), or with the 1 behind the positions."""
        ids = input_of(node, 3)
        rows = write.op("Gather", name, ids, axis=0) if ids else name
        of = shape_of(graph, ids or name)[0]
        return write.reshape(rows, (of, *place, turned // 2))

    turn = _in_pairs if node.attributes.get("interleaved", 0) else _in_halves
    sizes = [turned] if turned == size else [turned, size - turned]
    parts = write.split(x if split == shape else write.reshape(x, split), 3, sizes)
    rotated = turn(write, parts[0], (*split[:3], turned), (table(cosines), table(sines)))
    whole = write.concat([rotated, *parts[1:]], 3)
    return whole if split == shape else write.reshape(whole, shape)


def _in_halves(write: Writer, x: str, shape: tuple[int, ...], tables: tuple[str, str]) -> str:
    """Number i is turned with number i + half."""
    a, b = write.split(x, 3, (shape[3] // 2,) * 2)
    return write.concat(_turned(write, a, b, tables), 3)


def _in_pairs(write: Writer, x: str, shape: tuple[int, ...], tables: tuple[str, str]) -> str:
    """Number 2i is turned with number 2i + 1."""
    outer, half = math.prod(shape[:3]), shape[3] // 2
    columns = write.split(write.reshape(x, (outer, half, 2)), 2, (1, 1))
    a, b = (write.reshape(column, (*shape[:3], half)) for column in columns)
    turned = [write.reshape(part, (outer, half, 1)) for part in _turned(write, a, b, tables)]
    return write.reshape(write.concat(turned, 2), shape)


def _turned(write: Writer, a: str, b: str, tables: tuple[str, str]) -> list[str]:
    cosine, sine = tables
    first = write.op("Sub", write.op("Mul", a, cosine), write.op("Mul", b, sine))
    return [first, write.op("Add", write.op("Mul", b, cosine), write.op("Mul", a, sine))]


_WRITE: Mapping[str, Callable[[GraphView, Node, Writer], str]] = {"RMSNormalization": _rms, "RotaryEmbedding": _rotary}
