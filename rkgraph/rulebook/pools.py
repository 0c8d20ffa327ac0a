"""Pools written with convolutions, slices, or pools over fewer axes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from rkgraph.analysis.pooling import counts_padding
from rkgraph.graph.rewrite import Rewrite, Tolerance
from rkgraph.rulebook.known import LARGEST_OF, NotKnown, is_live, rounding
from rkgraph.rulebook.windows import Windows, windows_of

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.writer import Writer

__all__ = ["CUBIC", "dilated", "in_two", "window_means"]

CUBIC = 5
"""Rank of a batch of channels with three spatial axes."""

MOST_SLICES = 16

LARGEST_WEIGHT = 2**20
"""Most elements of the constant that sums up windows."""


def window_means(write: Writer, x: str, dtype: str, channels: int, windows: Windows) -> str:
    """The mean of each window, padding counted as zeros: a convolution of each channel by itself."""
    count = math.prod(windows.kernel)
    if channels * count > LARGEST_WEIGHT:
        raise NotKnown(f"windows of {count} elements over {channels} channels would take a constant that is too large")
    import numpy as np

    weight = write.constant(np.full((channels, 1, *windows.kernel), 1.0 / count), dtype, "weight")
    return write.op(
        "Conv", x, weight, group=channels, kernel_shape=windows.kernel, strides=windows.strides,
        dilations=windows.dilations, pads=windows.pads,
    )  # fmt: skip


def in_two(graph: GraphView, node: Node, write: Writer, dtype: str, shape: tuple[int, ...]) -> Rewrite:
    """A pool over three axes as one over the last two and one over the first: windows are products of ranges.

    The largest of a window is the largest of its rows' largest; the mean likewise, where every row counts alike, which
    it does whether padding counts or not.
    """
    if any(is_live(graph, name) for name in node.outputs[1:]):
        raise NotKnown(f"somebody reads the indices of {node.label}")
    windows = windows_of(node, shape[2:])
    counting = counts_padding(node)
    if counting and windows.ceil:
        raise NotKnown(f"{node.label} counts padding and rounds sizes up")
    batch, channels, depth, height, width = shape
    rows, columns = windows.results(shape[2:])[1:]
    flat = write.reshape(node.inputs[0], (batch, channels * depth, height, width))
    over = _pool(write, node, flat, _some(windows, (1, 2)), counting)
    lines = write.reshape(over, (batch, channels, depth, rows * columns))
    first = _some(windows, (0,))
    line = replace(
        first,
        kernel=(*first.kernel, 1), strides=(*first.strides, 1), dilations=(*first.dilations, 1),
        begins=(*first.begins, 0), ends=(*first.ends, 0),
    )  # fmt: skip
    pooled = _pool(write, node, lines, line, counting)
    new = write.reshape(pooled, (batch, channels, windows.results(shape[2:])[0], rows, columns))
    # bit for bit, but for windows with a NaN, of which ONNX Runtime makes one thing or the other
    tolerance = Tolerance(0.0, 1e-7) if node.op == "MaxPool" else rounding(dtype, math.prod(windows.kernel))
    return write.rewrite({node.outputs[0]: new}, tolerance, f"{node.op} over three axes in two steps")


def dilated(graph: GraphView, node: Node, write: Writer, dtype: str, shape: tuple[int, ...]) -> Rewrite:
    """A pool of one or two axes with dilations: a convolution, or the largest of slices, one axis after the other."""
    if any(is_live(graph, name) for name in node.outputs[1:]) or node.attributes.get("ceil_mode", 0):
        raise NotKnown(f"{node.label} hands out indices, or rounds sizes up")
    windows = windows_of(node, shape[2:])
    x = node.inputs[0]
    if node.op == "AveragePool":
        means = window_means(write, x, dtype, shape[1], windows)
        return write.rewrite({node.outputs[0]: means}, rounding(dtype, math.prod(windows.kernel)), "as a convolution")
    if max(windows.kernel) > MOST_SLICES:
        raise NotKnown(f"windows of {windows.kernel} would be as many slices")
    if any(windows.pads):
        none = (0, 0)
        x = write.pad(x, dtype, (*none, *windows.begins, *none, *windows.ends), -LARGEST_OF[dtype])
    for place, count in enumerate(windows.results(shape[2:])):
        axis, stride, step = place + 2, windows.strides[place], windows.dilations[place]
        starts = range(0, windows.kernel[place] * step, step)
        parts = [write.slice(x, (axis,), (s,), (s + (count - 1) * stride + 1,), (stride,)) for s in starts]
        x = parts[0]
        for part in parts[1:]:
            x = write.op("Max", x, part)
    return write.rewrite({node.outputs[0]: x}, Tolerance(0.0, 1e-7), "as the largest of slices")


def _some(windows: Windows, axes: tuple[int, ...]) -> Windows:
    """The windows along some of their axes."""

    def of(part: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(part[axis] for axis in axes)

    return Windows(
        of(windows.kernel),
        of(windows.strides),
        of(windows.dilations),
        of(windows.begins),
        of(windows.ends),
        windows.ceil,
    )


def _pool(write: Writer, node: Node, x: str, windows: Windows, counting: bool) -> str:
    dilated = any(step > 1 for step in windows.dilations)
    return write.op(
        node.op, x, kernel_shape=windows.kernel, strides=windows.strides, pads=windows.pads,
        dilations=windows.dilations if dilated else None,
        ceil_mode=1 if windows.ceil else None,
        count_include_pad=1 if counting else None,
    )  # fmt: skip
