"""RK173: RoiAlign of the mode "max", for which the toolkit dies, as selected rows and columns, weights, and pools."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import Between, Edit, Refusal, Rewrite, Tolerance
from rkgraph.rulebook.generated import bounded
from rkgraph.rulebook.known import NotKnown, constant_of, float_of, lower, shape_of
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.sampling import weights
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rkgraph.graph.view import GraphView, Node

_PLANE = 2
_Plane = tuple[tuple[int, int, int], str]  # images, channels and rows; dtype
_WIDEST_POOL = 8
"""Elements of a row that one MaxPool compares on the NPU."""

_HALF_PIXEL = 16
"""Since this opset the attribute coordinate_transformation_mode is there, and half_pixel is its default."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each RoiAlign of the mode "max" that cannot run."""
    for graph, node in needing(lint, {"RoiAlign"}):
        if node.attributes.get("mode", "avg") == "max":
            yield not_as_it_is(lint, graph, node, "the elements it compares are products with selections and weights")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Along each axis a product that selects elements, their weights, and a MaxPool over those of each bin."""
    return lower(lint, finding, "rk173", _pooled)


@dataclass(frozen=True)
class _Samples:
    """Where along one axis samples lie, two for each place: the element before it, and the one behind it.

    Attributes:
        size: of the axis.
        bins: along the axis.
        each: samples of a bin.
        part: number in its bin and a half, [1 or rois, bins * each]; count: of places in a bin, [1 or rois, 1].
    """

    size: int
    bins: int
    each: int
    part: npt.NDArray[np.float64]
    count: npt.NDArray[np.float64]


def _pooled(graph: GraphView, node: Node, writer: Writer) -> Rewrite:
    x, rois, batch = node.inputs[:3]
    (n, channels, *sizes), dtype, (regions, edges) = shape_of(graph, x), float_of(graph, x), shape_of(graph, rois)
    if len(sizes) != _PLANE or edges != 2 * _PLANE:
        raise NotKnown(f"{rois} does not fit {x}")
    scale, half = float(node.attributes.get("spatial_scale", 1.0)), _is_shifted(graph, node)
    if not (0 < scale < math.inf):
        raise NotKnown(f"spatial_scale is {scale}")
    bins = [int(node.attributes.get(f"output_{name}", 1)) for name in ("height", "width")]
    samples = [_samples(graph, node, axis, (sizes[axis], bins[axis])) for axis in range(_PLANE)]
    rows, columns = samples
    bounded("the columns of all regions", (regions, channels, rows.size, columns.bins * columns.each))
    bounded("the rows of all regions", (regions, channels, columns.bins, rows.bins * rows.each))
    bounded("the selection", (regions, max(sizes), max(one.bins * one.each for one in samples)))
    corners = writer.op("Mul", rois, writer.constant(scale, dtype, "scale"))
    if half:
        corners = writer.op("Sub", corners, writer.constant(0.5, dtype, "half"))
    left, top, right, bottom = writer.split(corners, 1, [1] * edges)
    places = [
        _places(writer, (begin, end), one, dtype, half=half)
        for begin, end, one in ((top, bottom, rows), (left, right, columns))
    ]
    (low, across), (left_of, along) = _weighted(writer, places, samples, dtype)
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


def _is_shifted(graph: GraphView, node: Node) -> bool:
    """Whether places are counted from the middle of the first element."""
    default = "half_pixel" if graph.opset >= _HALF_PIXEL else "output_half_pixel"
    mode = str(node.attributes.get("coordinate_transformation_mode", default))
    if mode not in ("half_pixel", "output_half_pixel"):
        raise NotKnown(f"coordinate_transformation_mode {mode!r}")
    return mode == "half_pixel"


def _samples(graph: GraphView, node: Node, axis: int, sizes: tuple[int, int]) -> _Samples:
    """Each bin has as many places as `sampling_ratio` says; 0: as there are elements, which constant regions tell."""
    import numpy as np

    size, bins = sizes
    ratio = int(node.attributes.get("sampling_ratio", 0))
    if ratio < 0 or bins < 1:
        raise NotKnown(f"{node.label} has a sampling_ratio of {ratio} and {bins} bins")
    counts = np.array([[ratio]]) if ratio else _counts(graph, node, axis, bins)
    most = int(counts.max())
    bounded("the places of all regions", (len(counts), bins, 2 * most))
    # A region with fewer places than another one has its last ones several times, which a maximum does not mind.
    number = np.minimum(np.arange(most), counts - 1)[:, None, :, None] + 0.5
    part = np.broadcast_to(number, (len(counts), bins, most, 2)).reshape(len(counts), -1)
    return _Samples(size, bins, 2 * most, part, counts.astype(np.float64))


def _counts(graph: GraphView, node: Node, axis: int, bins: int) -> npt.NDArray[np.int_]:
    """Places of a bin for each region [rois, 1], in the arithmetic of ONNX Runtime (float32)."""
    import numpy as np

    if graph.constant(node.inputs[1]) is None:
        raise NotKnown(f"sampling_ratio is 0, so that {node.inputs[1]} says how many places there are; give a ratio")
    scale = np.float32(node.attributes.get("spatial_scale", 1.0))
    regions = np.array(constant_of(graph, node.inputs[1]), np.float32).reshape(-1, 2 * _PLANE) * scale
    offset = np.float32(0.5 if _is_shifted(graph, node) else 0.0)
    first, last = (regions[:, [axis_of_edge]] - offset for axis_of_edge in (1 - axis, 3 - axis))
    extent = last - first if offset else np.maximum(last - first, np.float32(1))
    counts = np.ceil(extent / np.float32(bins))
    if not (np.isfinite(counts) & (counts >= 1) & (counts < 2**16)).all():
        raise NotKnown(f"{node.inputs[1]} has regions that are empty or too large")
    whole: npt.NDArray[np.int_] = counts.astype(np.int64)
    return whole


def _places(writer: Writer, edges: tuple[str, str], samples: _Samples, dtype: str, *, half: bool) -> str:
    """Where samples lie [rois, bins * each], in the order of operations of ONNX Runtime."""
    import numpy as np

    begin, end = edges
    extent = writer.op("Sub", end, begin)
    if not half:
        extent = writer.clip(extent, dtype, 1.0)
    width = writer.op("Div", extent, writer.constant(samples.bins, dtype, "bins"))
    numbers = writer.constant(np.repeat(np.arange(samples.bins), samples.each)[None], dtype, "bin")
    start = writer.op("Add", begin, writer.op("Mul", width, numbers))
    inside = writer.op("Mul", width, writer.constant(samples.part, dtype, "part"))
    return writer.op("Add", start, writer.op("Div", inside, writer.constant(samples.count, dtype, "count")))


def _weighted(writer: Writer, places: list[str], samples: list[_Samples], dtype: str) -> Iterator[tuple[str, str]]:
    """For each axis the number of each sample's element, and its weight: 0 for places beyond the image."""
    import numpy as np

    # Floor runs on the CPU: once. Of the place and of its negative, for that says what is up to the size, exactly.
    signed = [value for place in places for value in (place, writer.op("Neg", place))]
    counts = [one.bins * one.each for one in samples for _ in range(2)]
    floors = writer.split(writer.op("Floor", writer.concat(signed, 1)), 1, counts)
    for place, below, above, one in zip(places, floors[::2], floors[1::2], samples, strict=True):
        behind = np.tile([[0.0, 1.0]], one.bins * one.each // 2)
        first = writer.clip(below, dtype, 0.0, one.size - 1.0)
        rest = writer.op("Sub", writer.clip(place, dtype, 0.0, one.size - 1.0), first)
        weight = writer.op("Abs", writer.op("Sub", rest, writer.constant(1 - behind, dtype, "before")))
        from_begin = writer.clip(writer.op("Add", below, writer.constant(2, dtype, "two")), dtype, 0.0, 1.0)
        to_end = writer.clip(writer.op("Add", above, writer.constant(one.size + 1, dtype, "end")), dtype, 0.0, 1.0)
        inside = writer.op("Mul", from_begin, to_end)
        element = writer.op("Add", first, writer.constant(behind, dtype, "behind"))
        yield element, writer.op("Mul", weight, inside)


def _largest(writer: Writer, value: str, chosen: tuple[str, str], samples: _Samples, plane: _Plane) -> str:
    """The largest weighted element of each bin, [n, channels, rows, bins], of a value [n, channels * rows, size].

    `chosen`: elements and weights of the samples along the axis, of all n.
    """
    import numpy as np

    shape, dtype = plane
    elements, weight = (writer.reshape(name, (shape[0], 1, -1)) for name in chosen)
    at = np.arange(samples.size).reshape(1, -1, 1).astype(np.float64)
    picked = writer.op("MatMul", value, weights(writer, elements, at, "nearest", dtype))
    weighted = writer.reshape(writer.op("Mul", picked, weight), (*shape, -1))
    for count in (2, samples.each // 2) if samples.each > _WIDEST_POOL else (samples.each,):
        weighted = writer.op("MaxPool", weighted, kernel_shape=(1, count), strides=(1, count))
    return weighted
