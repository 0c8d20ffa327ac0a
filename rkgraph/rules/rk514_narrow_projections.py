"""RK514: narrow products of one wide value with several matrices, each of which reads it again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from rkgraph.rulebook.known import NotKnown, float_of, lower, rounding, shape_of
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer

MOST = 8191
"""Columns of one product: wider ones the compiler cuts itself."""

HALF = 2  # bytes of an element on the NPU


@dataclass(frozen=True)
class Projection:
    """A MatMul with a constant matrix of `columns`, and the Add of its bias if that is all that reads it."""

    node: Node
    columns: int
    bias: str
    output: str


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each value that several narrow products read, at the first of them."""
    main = lint.model.main
    for members, saved in _groups(lint, main):
        first = min((m.node for m in members), key=lambda node: node.index)
        labels = [m.node.label for m in members]
        yield Finding(
            f"{', '.join(labels)} each read '{first.inputs[0]}': one product with all {len(members)} matrices reads it "
            f"once and moves about {saved / 1024:,.1f} KB less",
            node=first,
            observed={"products": labels, "saved_bytes": saved},
        )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """One product with the matrices side by side, whose columns are split."""

    def write(graph: GraphView, node: Node, w: Writer) -> Rewrite:
        found = next((m for m, _ in _groups(lint, graph) if node.index in {each.node.index for each in m}), None)
        if found is None:
            raise NotKnown("the products have gone apart")
        return _write(graph, found, w)

    return lower(lint, finding, "rk514", write)


def _write(graph: GraphView, members: Sequence[Projection], w: Writer) -> Rewrite:
    x = members[0].node.inputs[0]
    shape = shape_of(graph, x)
    new = w.op("MatMul", x, w.concat([m.node.inputs[1] for m in members], 1))
    if members[0].bias:
        new = w.op("Add", new, w.concat([m.bias for m in members], 0))
    parts = w.split(new, len(shape) - 1, [m.columns for m in members])
    replaces = {m.output: part for m, part in zip(members, parts, strict=True)}
    return w.rewrite(replaces, rounding(float_of(graph, x), shape[-1]), f"{len(members)} products in one")


def _groups(lint: LintContext, main: GraphView) -> Iterator[tuple[tuple[Projection, ...], int]]:
    """Products to join, in file order, and the bytes that it saves by the traffic of whole tensors."""
    by_input: dict[tuple[str, bool], list[Projection]] = defaultdict(list)
    for node in main.nodes_of("MatMul"):
        if (node.path, node.index) not in lint.folded and (found := _projection(lint, main, node)) is not None:
            by_input[node.inputs[0], bool(found.bias)].append(found)
    for (name, _), members in by_input.items():
        shape = main.value(name).shape or ()
        sizes = [size for size in shape if isinstance(size, int)]
        if len(members) < 2 or len(sizes) != len(shape):
            continue
        narrow = sorted(members, key=lambda m: (m.columns, m.node.index))
        rows = prod(sizes[:-1])
        saved = {count: _saved(narrow[:count], rows, sizes[-1]) for count in range(2, len(narrow) + 1)}
        best = max(saved, key=lambda count: saved[count])
        if saved[best] > 0 and sum(m.columns for m in narrow[:best]) <= MOST:
            yield tuple(sorted(narrow[:best], key=lambda m: m.node.index)), saved[best]


def _saved(members: Sequence[Projection], rows: int, width: int) -> int:
    """All but one need not read their input; what is split is read and written once more."""
    return HALF * rows * ((len(members) - 1) * width - 2 * sum(m.columns for m in members))


def _projection(lint: LintContext, main: GraphView, node: Node) -> Projection | None:
    x, weight = (main.value(name) for name in node.inputs)
    if x.kind == "constant" or not lint.is_constant(main, weight.name) or lint.is_constant(main, x.name):
        return None
    if not x.shape or len(x.shape) < 2 or weight.shape is None or len(weight.shape) != 2:
        return None
    columns, product = weight.shape[1], node.outputs[0]
    if not isinstance(columns, int):
        return None
    readers = main.consumers(product)
    if len(readers) == 1 and readers[0].op == "Add" and product not in main.outputs and product not in main.captured:
        bias = next(name for name in (*readers[0].inputs, "") if name != product)
        if bias and lint.is_constant(main, bias) and main.value(bias).shape == (columns,):
            return Projection(node, columns, bias, readers[0].outputs[0])
    return Projection(node, columns, "", product)
