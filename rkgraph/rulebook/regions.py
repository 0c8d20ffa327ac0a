"""Where RoiAlign samples an image: places along one axis, and the elements around them with their weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkgraph.rulebook.generated import bounded
from rkgraph.rulebook.known import NotKnown, constant_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.writer import Writer

__all__ = ["EDGES", "Samples", "is_shifted", "places", "samples_of", "weighted"]

EDGES = 4
"""Of a region: left, top, right, bottom."""

_HALF_PIXEL = 16
"""Since this opset the attribute coordinate_transformation_mode is there, and half_pixel is its default."""


@dataclass(frozen=True)
class Samples:
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


def is_shifted(graph: GraphView, node: Node) -> bool:
    """Whether places are counted from the middle of the first element."""
    default = "half_pixel" if graph.opset >= _HALF_PIXEL else "output_half_pixel"
    mode = str(node.attributes.get("coordinate_transformation_mode", default))
    if mode not in ("half_pixel", "output_half_pixel"):
        raise NotKnown(f"coordinate_transformation_mode {mode!r}")
    return mode == "half_pixel"


def samples_of(graph: GraphView, node: Node, axis: int, sizes: tuple[int, int]) -> Samples:
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
    return Samples(size, bins, 2 * most, part, counts.astype(np.float64))


def _counts(graph: GraphView, node: Node, axis: int, bins: int) -> npt.NDArray[np.int_]:
    """Places of a bin for each region [rois, 1], in the arithmetic of ONNX Runtime (float32)."""
    import numpy as np

    if graph.constant(node.inputs[1]) is None:
        raise NotKnown(f"sampling_ratio is 0, so that {node.inputs[1]} says how many places there are; give a ratio")
    scale = np.float32(node.attributes.get("spatial_scale", 1.0))
    regions = np.array(constant_of(graph, node.inputs[1]), np.float32).reshape(-1, EDGES) * scale
    offset = np.float32(0.5 if is_shifted(graph, node) else 0.0)
    first, last = (regions[:, [edge]] - offset for edge in (1 - axis, 3 - axis))
    extent = last - first if offset else np.maximum(last - first, np.float32(1))
    counts = np.ceil(extent / np.float32(bins))
    if not (np.isfinite(counts) & (counts >= 1) & (counts < 2**16)).all():
        raise NotKnown(f"{node.inputs[1]} has regions that are empty or too large")
    whole: npt.NDArray[np.int_] = counts.astype(np.int64)
    return whole


def places(writer: Writer, edges: tuple[str, str], samples: Samples, dtype: str, *, half: bool) -> str:
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


def weighted(writer: Writer, lying: Sequence[str], samples: Sequence[Samples], dtype: str) -> Iterator[tuple[str, str]]:
    """For each axis the number of each sample's element, and its weight: 0 for places beyond the image."""
    import numpy as np

    # Floor runs on the CPU: once. Of the place and of its negative, for that says what is up to the size, exactly.
    signed = [value for place in lying for value in (place, writer.op("Neg", place))]
    counts = [one.bins * one.each for one in samples for _ in range(2)]
    floors = writer.split(writer.op("Floor", writer.concat(signed, 1)), 1, counts)
    for place, below, above, one in zip(lying, floors[::2], floors[1::2], samples, strict=True):
        behind = np.tile([[0.0, 1.0]], one.bins * one.each // 2)
        first = writer.clip(below, dtype, 0.0, one.size - 1.0)
        rest = writer.op("Sub", writer.clip(place, dtype, 0.0, one.size - 1.0), first)
        weight = writer.op("Abs", writer.op("Sub", rest, writer.constant(1 - behind, dtype, "before")))
        from_begin = writer.clip(writer.op("Add", below, writer.constant(2, dtype, "two")), dtype, 0.0, 1.0)
        to_end = writer.clip(writer.op("Add", above, writer.constant(one.size + 1, dtype, "end")), dtype, 0.0, 1.0)
        inside = writer.op("Mul", from_begin, to_end)
        element = writer.op("Add", first, writer.constant(behind, dtype, "behind"))
        yield element, writer.op("Mul", weight, inside)
