"""RK173: RoiAlign of the mode "max", for which the toolkit dies, as selected rows and columns, weights, and pools."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import Between, Edit, Refusal, Rewrite, Tolerance
from rkgraph.rulebook.generated import bounded
from rkgraph.rulebook.known import NotKnown, float_of, lower, shape_of
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.regions import EDGES, Samples, is_shifted, places, samples_of, weighted
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.sampling import weights
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

_PLANE = 2
_Plane = tuple[tuple[int, int, int], str]  # images, channels and rows; dtype
_WIDEST_POOL = 8
"""Elements of a row that one MaxPool compares on the NPU."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each RoiAlign of the mode "max" that cannot run."""
    for graph, node in needing(lint, {"RoiAlign"}):
        if node.attributes.get("mode", "avg") == "max":
            yield not_as_it_is(lint, graph, node, "the elements it compares are products with selections and weights")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Along each axis a product that selects elements, their weights, and a MaxPool over those of each bin."""
    return lower(lint, finding, "rk173", _pooled)


def _pooled(graph: GraphView, node: Node, writer: Writer) -> Rewrite:
    x, rois, batch = node.inputs[:3]
    (n, channels, *sizes), dtype, (regions, edges) = shape_of(graph, x), float_of(graph, x), shape_of(graph, rois)
    if len(sizes) != _PLANE or edges != EDGES:
        raise NotKnown(f"{rois} does not fit {x}")
    scale, half = float(node.attributes.get("spatial_scale", 1.0)), is_shifted(graph, node)
    if not (0 < scale < math.inf):
        raise NotKnown(f"spatial_scale is {scale}")
    bins = [int(node.attributes.get(f"output_{name}", 1)) for name in ("height", "width")]
    samples = [samples_of(graph, node, axis, (sizes[axis], bins[axis])) for axis in range(_PLANE)]
    rows, columns = samples
    bounded("the columns of all regions", (regions, channels, rows.size, columns.bins * columns.each))
    bounded("the rows of all regions", (regions, channels, columns.bins, rows.bins * rows.each))
    bounded("the selection", (regions, max(sizes), max(one.bins * one.each for one in samples)))
    corners = writer.op("Mul", rois, writer.constant(scale, dtype, "scale"))
    if half:
        corners = writer.op("Sub", corners, writer.constant(0.5, dtype, "half"))
    left, top, right, bottom = writer.split(corners, 1, [1] * edges)
    lying = [
        places(writer, (begin, end), one, dtype, half=half)
        for begin, end, one in ((top, bottom, rows), (left, right, columns))
    ]
    (low, across), (left_of, along) = weighted(writer, lying, samples, dtype)
    images = n if n == 1 else regions
    image = x if n == 1 else writer.op("Gather", x, batch, axis=0)
    value = writer.reshape(image, (images, channels * rows.size, columns.size))
    value = _largest(writer, value, (left_of, along), columns, ((images, channels, rows.size), dtype))
    if n == 1:  # one image with the columns of all regions
        value = writer.transpose(writer.reshape(value, (channels, rows.size, regions, columns.bins)), (2, 0, 3, 1))
    else:
        value = writer.transpose(writer.reshape(value, (regions, channels, rows.size, columns.bins)), (0, 1, 3, 2))
    value = writer.reshape(value, (regions, channels * columns.bins, rows.size))
    value = _largest(writer, value, (low, across), rows, ((regions, channels, columns.bins), dtype))
    new = writer.transpose(writer.reshape(value, (regions, channels, columns.bins, rows.bins)), (0, 1, 3, 2))
    slack = 1e-5 + 256 * 2.0**-24 * max(sizes)  # as RK166: a place is rounded a few times
    within = {x: Between(-8, 8)}
    if not graph.is_constant(rois):
        within[rois] = Between(-4 / scale, (max(sizes) + 4) / scale)
    if not graph.is_constant(batch):
        within[batch] = Between(0, n - 1, integer=True)
    detail = f"{regions} regions of {bins[0]}x{bins[1]} bins"
    return writer.rewrite({node.outputs[0]: new}, Tolerance(slack, slack), detail, within=within)


def _largest(writer: Writer, value: str, chosen: tuple[str, str], samples: Samples, plane: _Plane) -> str:
    """The largest weighted element of each bin, [n, channels, rows, bins], of a value [n, channels * rows, size].

    `chosen`: elements and weights of the samples along the axis, of all n.
    """
    import numpy as np

    shape, dtype = plane
    elements, weight = (writer.reshape(name, (shape[0], 1, -1)) for name in chosen)
    at = np.arange(samples.size).reshape(1, -1, 1).astype(np.float64)
    picked = writer.op("MatMul", value, weights(writer, elements, at, "nearest", dtype))
    value = writer.reshape(writer.op("Mul", picked, weight), (*shape, -1))
    for count in (2, samples.each // 2) if samples.each > _WIDEST_POOL else (samples.each,):
        value = writer.op("MaxPool", value, kernel_shape=(1, count), strides=(1, count))
    return value
