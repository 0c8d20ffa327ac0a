"""RK166: GridSample, for which the board has no kernel, as sums with weights computed from the grid."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import Between, Edit, Refusal, Rewrite, Tolerance
from rkgraph.rulebook.known import NotKnown, float_of, lower, shape_of
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.sampling import elements, middle, sampled, weights
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

_MODES = {"bilinear": "linear", "bicubic": "cubic"}  # the words of opset 16 and those of opset 20


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each GridSample that cannot run."""
    for graph, node in needing(lint, {"GridSample"}):
        yield not_as_it_is(lint, graph, node, "samples are sums of elements with weights, which can be computed")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Weights along each axis, and a sum over the image."""
    return lower(lint, finding, "rk166", _sampled)


def _sampled(graph: GraphView, node: Node, writer: Writer) -> Rewrite:
    x, grid = node.inputs[:2]
    shape, dtype, (n, *spread, count) = shape_of(graph, x), float_of(graph, x), shape_of(graph, grid)
    sizes, points = shape[2:], math.prod(spread)
    if len(sizes) != count or n != shape[0]:
        raise NotKnown(f"{grid} does not fit {x}")
    mode = _MODES.get(str(node.attributes.get("mode", "bilinear")), str(node.attributes.get("mode", "bilinear")))
    padding = str(node.attributes.get("padding_mode", "zeros"))
    if mode == "cubic" and padding != "zeros":
        raise NotKnown("cubic interpolation with border or reflection pads each of its four elements for itself")
    # One row a coordinate; the first one is that of the last axis of the image.
    rows = writer.transpose(writer.reshape(grid, (n, points, count)), (0, 2, 1))
    parts = reversed(writer.split(rows, 1, [1] * count))
    aligned = bool(node.attributes.get("align_corners", 0))
    axes = []
    for part, size in zip(parts, sizes, strict=True):
        if size == 1 and aligned:  # every coordinate is that of the only element
            axes.append(writer.constant([[[1.0] * points]] * n, dtype, "ones"))
            continue
        place = _place(writer, part, size, (mode, padding, aligned), dtype)
        axes.append(weights(writer, place, elements(size), mode, dtype))
    value = writer.reshape(sampled(writer, x, shape, axes, points), (*shape[:2], *spread))
    # A coordinate is rounded a few times at up to 4 sizes, and the image may climb by 16 from one element to the next.
    slack = 1e-5 + 256 * 2.0**-24 * max(sizes)
    return writer.rewrite(
        {node.outputs[0]: value},
        Tolerance(slack, slack),
        f"{mode}, {padding}, {points} places",
        within={x: Between(-8, 8), grid: Between(-4, 4)},
    )


def _place(writer: Writer, coordinate: str, size: int, how: tuple[str, str, bool], dtype: str) -> str:
    """A coordinate from -1 to 1 as a place, counted from the middle of the axis, inside as the padding says."""
    mode, padding, aligned = how
    last = middle(size)
    limit = last if aligned else size / 2
    place = writer.op("Mul", coordinate, writer.constant(limit, dtype, "scale"))
    if mode == "nearest":
        place = _rounded(writer, place, last, dtype)
    if padding == "reflection":
        place = _reflected(writer, place, limit, dtype)
    return place if padding == "zeros" else writer.clip(place, dtype, -last, last)


def _rounded(writer: Writer, place: str, last: float, dtype: str) -> str:
    """The nearest element; of two the one with the even number, as Round has it."""
    if not last:
        return writer.op("Round", place)
    offset = writer.constant(last, dtype, "middle")
    return writer.op("Sub", writer.op("Round", writer.op("Add", place, offset)), offset)


def _reflected(writer: Writer, place: str, limit: float, dtype: str) -> str:
    """The place mirrored at −limit and limit as often as it takes: limit − |(place + limit) mod 4·limit − 2·limit|."""
    shifted = writer.op("Add", place, writer.constant(limit, dtype, "limit"))
    periods = writer.op("Floor", writer.op("Mul", shifted, writer.constant(0.25 / limit, dtype, "frequency")))
    rest = writer.op("Sub", shifted, writer.op("Mul", periods, writer.constant(4 * limit, dtype, "period")))
    folded = writer.op("Abs", writer.op("Sub", rest, writer.constant(2 * limit, dtype, "half")))
    return writer.op("Sub", writer.constant(limit, dtype, "limit"), folded)
