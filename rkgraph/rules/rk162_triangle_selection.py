"""RK162: Trilu, for which the board has no kernel, as a selection by a constant triangle."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import Edit, Refusal, Rewrite, Tolerance
from rkgraph.rulebook.generated import bounded
from rkgraph.rulebook.known import FLOATS, NotKnown, constant_of, dtype_of, input_of, lower, shape_of
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rkgraph.graph.view import GraphView, Node

_ZEROS = Tolerance(1e-37, 0.0)
"""ONNX Runtime writes zeros of either sign outside the triangle, so bits are not compared."""

_LARGEST_RANK = 4
"""Where of rank 5 and more ends the build of 2.3.2."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Trilu that cannot run."""
    for graph, node in needing(lint, {"Trilu"}):
        yield not_as_it_is(lint, graph, node, "a constant triangle can select the same elements")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Where with a constant mask; for int32 and bool, which Where does not take, Mul and And."""
    return lower(lint, finding, "rk162", _select)


def _select(graph: GraphView, node: Node, writer: Writer) -> Rewrite:
    x, k = node.inputs[0], input_of(node, 1)
    shape, dtype = shape_of(graph, x), dtype_of(graph, x)
    if len(shape) < 2:
        raise NotKnown(f"{x} has rank {len(shape)}, and a triangle has two dimensions")
    diagonal = int(constant_of(graph, k)[0]) if k else 0
    flat = shape if len(shape) <= _LARGEST_RANK else (math.prod(shape[:-2]), *shape[-2:])
    kept = _triangle(flat, diagonal, upper=bool(node.attributes.get("upper", 1)))
    value = x if flat == shape else writer.reshape(x, flat)
    chosen = _chosen(writer, value, dtype, kept)
    new = chosen if flat == shape else writer.reshape(chosen, shape)
    return writer.rewrite({node.outputs[0]: new}, _ZEROS, "a constant triangle selects")


def _chosen(writer: Writer, value: str, dtype: str, kept: npt.NDArray[np.bool_]) -> str:
    if dtype in FLOATS or dtype == "int64":
        return writer.op("Where", writer.constant(kept, "bool", "triangle"), value, writer.constant(0, dtype, "zero"))
    if dtype == "int32":
        return writer.op("Mul", value, writer.constant(kept, dtype, "triangle"))
    if dtype == "bool":
        return writer.op("And", value, writer.constant(kept, "bool", "triangle"))
    raise NotKnown(f"{dtype} is selected by no operator that runs")


def _triangle(shape: tuple[int, ...], diagonal: int, *, upper: bool) -> npt.NDArray[np.bool_]:
    """Which elements of the last two dimensions are kept; other dimensions are 1."""
    import numpy as np

    height, width = shape[-2:]
    bounded("the mask", (height, width))
    offset = np.arange(width) - np.arange(height)[:, np.newaxis]
    kept = offset >= diagonal if upper else offset <= diagonal
    return kept.reshape((1,) * (len(shape) - 2) + (height, width))
