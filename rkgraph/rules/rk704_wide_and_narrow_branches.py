"""RK704: branches of very different ranges joined in front of a product: 8 bits leave nothing of the narrow ones."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import Edit, Refusal, Rewrite, Tolerance
from rkgraph.rulebook.branches import along, multiplied, products_along
from rkgraph.rulebook.known import NotKnown, axis_of, float_of, lower, shape_of
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer

WIDER = 8.0
"""A range so many times that of another leaves 32 steps of 256 for it."""

FARTHEST = 2.0**20  # between two branches: what is narrower counts as nothing


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Concat of such branches that products with constant weights alone read."""
    main = lint.model.main
    for node in main.nodes_of("Concat"):
        if (node.path, node.index) in lint.folded or not _readers(main, node):
            continue
        seen = lint.observed.of(node.inputs)
        widths = [seen[name].largest for name in node.inputs if name in seen]
        if len(widths) < len(node.inputs) or not all(0 < width < math.inf for width in widths):
            continue
        if max(widths) > WIDER * min(widths):
            narrow = node.inputs[widths.index(min(widths))]
            yield Finding(
                f"{node.label} joins numbers up to {max(widths):.4g} with {narrow}, up to {min(widths):.4g}: in 8 bits "
                f"they share one scale, which leaves {256 * min(widths) / max(widths):.2g} steps for {narrow}",
                node=node,
                observed={"widths": widths},
                limit={"ratio": WIDER},
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Narrow branches are computed wider, and the weights that read them are smaller by as much."""
    widths = finding.observed["widths"]
    factors = [2.0 ** round(math.log2(min(max(widths) / width, FARTHEST))) for width in widths]

    def write(graph: GraphView, node: Node, w: Writer) -> Rewrite:
        return _write(graph, node, w, factors)

    return lower(lint, finding, "rk704", write)


def _write(graph: GraphView, node: Node, w: Writer, factors: list[float]) -> Rewrite:
    if len(set(node.inputs)) < len(node.inputs):
        raise NotKnown(f"{node.label} joins a value with itself")
    shape = shape_of(graph, node.outputs[0])
    axis = axis_of(node, len(shape), 0)
    dtype = float_of(graph, node.outputs[0])
    sizes = [shape_of(graph, name)[axis] for name in node.inputs]
    parts = [
        name if factor == 1.0 else multiplied(w, graph, name, factor)
        for name, factor in zip(node.inputs, factors, strict=True)
    ]
    joined = w.op("Concat", *parts, **node.attributes)
    back = [1.0 / factor for factor, size in zip(factors, sizes, strict=True) for _ in range(size)]
    replaces = {}
    for reader in _readers(graph, node):
        weights = w.op("Mul", reader.inputs[1], w.constant(along(reader, back), dtype, "back"))
        replaces[reader.outputs[0]] = w.op(reader.op, joined, weights, *reader.inputs[2:], **reader.attributes)
    told = ", ".join(f"{name} · {factor:g}" for name, factor in zip(node.inputs, factors, strict=True) if factor != 1.0)
    return w.rewrite(replaces, Tolerance(1e-6, 1e-5), told)


def _readers(graph: GraphView, node: Node) -> tuple[Node, ...]:
    rank = len(graph.value(node.outputs[0]).shape or ())
    axis = node.attributes.get("axis", 0)
    return products_along(graph, node.outputs[0], axis) if rank and isinstance(axis, int) else ()
