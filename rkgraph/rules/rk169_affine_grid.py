"""RK169: AffineGrid (opset 20), which no toolkit takes, as a product of constant coordinates with the matrices."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
from rkgraph.rulebook.generated import bounded
from rkgraph.rulebook.known import NotKnown, constant_of, float_of, lower, rounding, shape_of
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rkgraph.graph.view import GraphView, Node


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each AffineGrid that cannot run."""
    for graph, node in needing(lint, {"AffineGrid"}):
        yield not_as_it_is(lint, graph, node, "the grid is a product of constant coordinates with the matrices")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """MatMul of the coordinates, with ones beside them, and the transposed matrices."""
    return lower(lint, finding, "rk169", _product)


def _product(graph: GraphView, node: Node, writer: Writer) -> Rewrite:
    theta = node.inputs[0]
    shape, dtype = shape_of(graph, theta), float_of(graph, theta)
    sizes = tuple(int(size) for size in constant_of(graph, node.inputs[1]))[2:]
    if shape[1:] != (len(sizes), len(sizes) + 1):
        raise NotKnown(f"{theta} holds no matrices for {len(sizes)} dimensions")
    bounded("the coordinates", (*sizes, len(sizes) + 1))
    places = _coordinates(sizes, aligned=bool(node.attributes.get("align_corners", 0)))
    base = writer.constant(places, dtype, "coordinates")
    grid = writer.op("MatMul", base, writer.transpose(theta, (0, 2, 1)))
    new = writer.reshape(grid, (shape[0], *sizes, len(sizes)))
    return writer.rewrite({node.outputs[0]: new}, rounding(dtype, len(sizes) + 1), f"{math.prod(sizes)} places")


def _coordinates(sizes: tuple[int, ...], *, aligned: bool) -> npt.NDArray[np.float64]:
    """(x, y, …, 1) of each element, from -1 to 1: of corners where `aligned`, else of rims: [elements, n + 1]."""
    import numpy as np

    lines = []
    for size in sizes:
        steps = np.arange(size)
        lines.append(np.linspace(-1.0, 1.0, size) if aligned and size > 1 else (2 * steps + 1) / size - 1)
    axes = np.meshgrid(*lines, indexing="ij")
    columns = [axis.reshape(-1) for axis in reversed(axes)]
    return np.stack([*columns, np.ones_like(columns[0])], axis=-1)
