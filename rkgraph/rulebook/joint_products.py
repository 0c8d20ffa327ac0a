"""Products of one value with several constant matrices, and the one product that computes them all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING

from rkgraph.records import Record
from rkgraph.rulebook.known import NotKnown, float_of, lower, rounding, shape_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import Finding, LintContext
    from rkgraph.rulebook.writer import Writer

__all__ = ["MOST", "Projection", "by_input", "joined", "meet_in_a_product", "narrow_ones"]

MOST = 8191
"""Columns of one product: wider ones the compiler cuts itself."""

_HALF = 2  # bytes of an element on the NPU

MOST_BETWEEN = 4
"""Operators of an activation between a gate and the Mul that applies it: SiLU has two, GELU spelled out more."""

Groups = Sequence[Sequence["Projection"]]


class Projection(Record):
    """A MatMul with a constant matrix of `columns`, and the Add of its bias if that is all that reads it."""

    node: Node
    columns: int
    bias: str
    output: str


def by_input(lint: LintContext, graph: GraphView) -> Iterator[tuple[tuple[Projection, ...], tuple[int, ...]]]:
    """Two and more products of one value of static shape, all with a bias or all without, in file order; its shape."""
    found: dict[tuple[str, bool], list[Projection]] = defaultdict(list)
    for node in graph.nodes_of("MatMul"):
        if (node.path, node.index) not in lint.folded and (each := _projection(lint, graph, node)) is not None:
            found[node.inputs[0], bool(each.bias)].append(each)
    for (name, _), members in found.items():
        shape = graph.value(name).shape or ()
        sizes = tuple(size for size in shape if isinstance(size, int))
        if len(members) > 1 and len(sizes) == len(shape):
            yield tuple(members), sizes


def _saved_bytes(members: Sequence[Projection], rows: int, width: int) -> int:
    """By the traffic of whole tensors: all but one need not read their input; what is split is moved once more."""
    return _HALF * rows * ((len(members) - 1) * width - 2 * sum(m.columns for m in members))


def narrow_ones(members: Sequence[Projection], shape: Sequence[int]) -> tuple[tuple[Projection, ...], int]:
    """Those of the narrowest products that save most when taken together, and the bytes; () where none save any."""
    narrow = sorted(members, key=lambda m: (m.columns, m.node.index))
    rows = prod(shape[:-1])
    saved = {count: _saved_bytes(narrow[:count], rows, shape[-1]) for count in range(2, len(narrow) + 1)}
    best = max(saved, key=lambda count: saved[count])
    if saved[best] <= 0 or sum(m.columns for m in narrow[:best]) > MOST:
        return (), 0
    return tuple(sorted(narrow[:best], key=lambda m: m.node.index)), saved[best]


def joined(lint: LintContext, finding: Finding, code: str, groups: Callable[[GraphView], Groups]) -> Edit | Refusal:
    """One product with the matrices of the finding's group side by side, whose columns are split."""

    def write(graph: GraphView, node: Node, w: Writer) -> Rewrite:
        found = next((m for m in groups(graph) if node.index in {each.node.index for each in m}), None)
        if found is None:
            raise NotKnown("the products have gone apart")
        return _write(graph, found, w)

    return lower(lint, finding, code, write)


def meet_in_a_product(graph: GraphView, members: Sequence[Projection]) -> bool:
    """Whether two products of the same width, one of them through an activation, are factors of one Mul."""
    if len(members) != 2 or members[0].columns != members[1].columns:
        return False
    reached = [_multiplied(graph, each.output) for each in members]
    return bool(reached[0] & reached[1])


def _multiplied(graph: GraphView, name: str) -> set[int]:
    """The Muls that read the value, or what a few operators on it make of it alone."""
    found: set[int] = set()
    frontier = {name}
    for _ in range(MOST_BETWEEN):
        readers = {node.index: node for each in frontier for node in graph.consumers(each)}
        found |= {index for index, node in readers.items() if node.op == "Mul"}
        frontier = {out for node in readers.values() for out in node.outputs if node.op != "MatMul"}
    return found


def _write(graph: GraphView, members: Sequence[Projection], w: Writer) -> Rewrite:
    x = members[0].node.inputs[0]
    shape = shape_of(graph, x)
    new = w.op("MatMul", x, w.concat([m.node.inputs[1] for m in members], 1))
    if members[0].bias:
        new = w.op("Add", new, w.concat([m.bias for m in members], 0))
    parts = w.split(new, len(shape) - 1, [m.columns for m in members])
    replaces = {m.output: part for m, part in zip(members, parts, strict=True)}
    return w.rewrite(replaces, rounding(float_of(graph, x), shape[-1]), f"{len(members)} products in one")


def _projection(lint: LintContext, graph: GraphView, node: Node) -> Projection | None:
    x, weight = (graph.value(name) for name in node.inputs)
    if x.kind == "constant" or not lint.is_constant(graph, weight.name) or lint.is_constant(graph, x.name):
        return None
    if not x.shape or len(x.shape) < 2 or weight.shape is None or len(weight.shape) != 2:
        return None
    columns, product = weight.shape[1], node.outputs[0]
    if not isinstance(columns, int):
        return None
    readers = graph.consumers(product)
    if len(readers) == 1 and readers[0].op == "Add" and product not in graph.outputs and product not in graph.captured:
        bias = next((name for name in readers[0].inputs if name != product), "")
        if bias and lint.is_constant(graph, bias) and graph.value(bias).shape == (columns,):
            return Projection(node, columns, bias, readers[0].outputs[0])
    return Projection(node, columns, "", product)
