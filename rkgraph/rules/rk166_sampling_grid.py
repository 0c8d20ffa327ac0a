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
    import numpy as np
    import numpy.typing as npt

    from rkgraph.graph.view import GraphView, Node

_MODES = {"bilinear": "linear", "bicubic": "cubic"}  # the words of opset 16 and those of opset 20

_BEYOND = 3
"""Elements on either side of an axis that cubic sampling sees, where a place is beyond the rim by two at most."""


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
    # One row a coordinate; the first one is that of the last axis of the image.
    rows = writer.transpose(writer.reshape(grid, (n, points, count)), (0, 2, 1))
    parts = reversed(writer.split(rows, 1, [1] * count))
    aligned = bool(node.attributes.get("align_corners", 0))
    axes = []
    for part, size in zip(parts, sizes, strict=True):
        if size == 1 and aligned:  # every coordinate is that of the only element
            axes.append(writer.constant([[[1.0] * points]] * n, dtype, "ones"))
            continue
        axes.append(_weights(writer, part, size, (mode, padding, aligned), dtype))
    value = writer.reshape(sampled(writer, x, shape, axes, points), (*shape[:2], *spread))
    # A coordinate is rounded a few times at up to 4 sizes, and the image may climb by 16 from one element to the next.
    slack = 1e-5 + 256 * 2.0**-24 * max(sizes)
    return writer.rewrite(
        {node.outputs[0]: value},
        Tolerance(slack, slack),
        f"{mode}, {padding}, {points} places",
        within={x: Between(-8, 8), grid: Between(-4, 4)},
    )


def _weights(writer: Writer, coordinate: str, size: int, how: tuple[str, str, bool], dtype: str) -> str:
    """The weights [n, size, points] of the elements of an axis for coordinates from -1 to 1.

    Places are counted from the middle of the axis. Linear and nearest sampling move a place inside, as the padding
    says; cubic sampling moves each of its four elements. A place beyond a rim by two then sees nothing but the rim
    (border), and places mirrored with their elements see the same (reflection), so that a few elements on either side
    are enough, of which each adds its weight to the element that it stands for.
    """
    mode, padding, aligned = how
    last = middle(size)
    limit = last if aligned else size / 2
    place = writer.op("Mul", coordinate, writer.constant(limit, dtype, "scale"))
    if mode == "nearest":
        place = _rounded(writer, place, last, dtype)
    if padding == "reflection":
        place = _reflected(writer, place, limit, dtype)
    if padding == "zeros" or mode != "cubic":
        inside = place if padding == "zeros" else writer.clip(place, dtype, -last, last)
        return weights(writer, inside, elements(size), mode, dtype)
    if padding == "border":
        place = writer.clip(place, dtype, -last - 2, last + 2)
    spread = weights(writer, place, elements(size + 2 * _BEYOND), mode, dtype)
    return writer.op("MatMul", writer.constant(_stands_for(size, padding, aligned), dtype, "fold"), spread)


def _stands_for(size: int, padding: str, aligned: bool) -> npt.NDArray[np.float64]:
    """[size, size + 2·_BEYOND]: 1 where an element of the longer axis stands for one of the axis itself."""
    import numpy as np

    places = np.arange(-_BEYOND, size + _BEYOND)
    if padding == "border":
        found = np.clip(places, 0, size - 1)
    elif aligned:  # mirrored at the first and the last element, of which there are two at least
        found = size - 1 - np.abs(places % (2 * size - 2) - (size - 1))
    else:  # mirrored half an element beyond
        turned = places % (2 * size)
        found = np.minimum(turned, 2 * size - 1 - turned)
    return np.eye(size)[:, found]


def _rounded(writer: Writer, place: str, last: float, dtype: str) -> str:
    """The nearest element; of two the one with the even number, as Round has it."""
    if not last:
        return writer.op("Round", place)
    offset = writer.constant(last, dtype, "middle")
    return writer.op("Sub", writer.op("Round", writer.op("Add", place, offset)), offset)


def _reflected(writer: Writer, place: str, limit: float, dtype: str) -> str:
    """The place mirrored at −limit and limit as often as it takes.

    Whole periods of 4·limit are taken away, of which there are none for coordinates within ±2; of what is left,
    2·clip(rest) − rest is mirrored once, and rounded once.
    """
    periods = writer.op("Round", writer.op("Mul", place, writer.constant(0.25 / limit, dtype, "frequency")))
    rest = writer.op("Sub", place, writer.op("Mul", periods, writer.constant(4 * limit, dtype, "period")))
    twice = writer.op("Mul", writer.clip(rest, dtype, -limit, limit), writer.constant(2, dtype, "two"))
    return writer.op("Sub", twice, rest)
