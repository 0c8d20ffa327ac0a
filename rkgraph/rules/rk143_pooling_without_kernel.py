"""RK143: pools that the board has no kernel for, or that end the build."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Rewrite, Tolerance
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import NotKnown, float_of, is_live, lower, rounding, shape_of
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.reductions import Reduction
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.windows import Windows, windows_of
from rkgraph.rulebook.writer import Writer

ROOTED = frozenset({"LpPool", "GlobalLpPool"})
BY_AXES = frozenset({"MaxPool", "AveragePool"})
CUBIC = 5
"""Rank of a batch of channels with three spatial axes."""

LARGEST_WEIGHT = 2**20
"""Most elements of the constant that sums up windows."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live pool that cannot run as it is."""
    for graph, node in needing(lint, ROOTED):
        yield not_as_it_is(lint, graph, node, "it can be a convolution of powers")
    for graph, node in needing(lint, BY_AXES):
        if len(graph.value(node.inputs[0]).shape or ()) == CUBIC:
            yield not_as_it_is(lint, graph, node, "it can be two pools, one over two axes and one over the third")
    for graph, node in needing(lint, ("AveragePool",), frozenset({"npu", "cpu"})):
        trouble = _trouble_of_mean(graph, node)
        if trouble:
            yield Finding(
                f"AveragePool {trouble}",
                graph=graph.path,
                node=node,
                observed={"operator": node.op, "pads": list(node.attributes.get("pads", ()))},
                verdict=Verdict.BUILD_FAILS,
                explains=frozenset({(graph.path, node.index)}),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Write the pool with convolutions, sums, or pools over fewer axes."""
    return lower(lint, finding, "rk143", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    dtype, shape = float_of(graph, node.inputs[0]), shape_of(graph, node.inputs[0])
    if len(shape) < 3:
        raise NotKnown(f"{node.inputs[0]} has the shape {shape}: there is nothing to pool")
    if node.op in BY_AXES:
        return _in_two(graph, node, write, dtype, shape)
    power = float(node.attributes.get("p", 2))
    if power < 1:
        raise NotKnown(f"{node.label} takes the root {power:g}")
    powers = _powers(write, node.inputs[0], dtype, power)
    if node.op == "GlobalLpPool":
        count = math.prod(shape[2:])
        means = Reduction(shape, tuple(range(2, len(shape))), keepdims=True).write(write, "ReduceMean", powers)
    else:
        windows = windows_of(node, shape[2:]).covered(shape[2:])
        count = math.prod(windows.kernel)
        means = _window_means(write, powers, dtype, shape[1], windows)
    root = _root(write, means, dtype, power)
    new = write.op("Mul", root, write.constant(count ** (1.0 / power), dtype, "size"))
    return write.rewrite({node.outputs[0]: new}, rounding(dtype, count), f"{node.op} with p = {power:g}")


def _powers(write: Writer, x: str, dtype: str, power: float) -> str:
    if power == 2.0:
        return write.op("Mul", x, x)
    magnitude = write.op("Abs", x)
    return magnitude if power == 1.0 else write.op("Pow", magnitude, write.constant(power, dtype, "power"))


def _root(write: Writer, x: str, dtype: str, power: float) -> str:
    if power == 2.0:
        return write.op("Sqrt", x)
    return x if power == 1.0 else write.op("Pow", x, write.constant(1.0 / power, dtype, "root"))


def _window_means(write: Writer, x: str, dtype: str, channels: int, windows: Windows) -> str:
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


def _in_two(graph: GraphView, node: Node, write: Writer, dtype: str, shape: tuple[int, ...]) -> Rewrite:
    """A pool over three axes as one over the last two and one over the first: windows are products of ranges.

    The largest of a window is the largest of its rows' largest; the mean likewise, where every row counts alike, which
    it does whether padding counts or not.
    """
    if len(shape) != CUBIC and node.op == "AveragePool" and not _is_padded(node):
        kept = {key: value for key, value in node.attributes.items() if key != "count_include_pad"}
        new = write.op(node.op, node.inputs[0], **kept)
        return write.rewrite({node.outputs[0]: new}, EXACT, "there is no padding to count")
    if len(shape) != CUBIC:
        raise NotKnown(f"{node.op} of rank {len(shape)} is as simple as it can be")
    if any(is_live(graph, name) for name in node.outputs[1:]):
        raise NotKnown(f"somebody reads the indices of {node.label}")
    windows = windows_of(node, shape[2:])
    counting = _counts_padding(node)
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


def _trouble_of_mean(graph: GraphView, node: Node) -> str:
    """Forms that come out wrong or end the build, although the op table has no word on it."""
    if len(graph.value(node.inputs[0]).shape or ()) == CUBIC and (
        _is_padded(node) or node.attributes.get("ceil_mode", 0)
    ):
        return "over three axes with padding or sizes rounded up comes out wrong or ends the build; it can be two pools"
    if node.attributes.get("count_include_pad", 0) and node.attributes.get("ceil_mode", 0) and not _is_padded(node):
        return "without padding counts some: what sizes rounded up reach beyond the input"
    return ""


def _is_padded(node: Node) -> bool:
    return any(node.attributes.get("pads", ())) or str(node.attributes.get("auto_pad", "NOTSET")).startswith("SAME")


def _counts_padding(node: Node) -> bool:
    return bool(node.attributes.get("count_include_pad", 0)) and _is_padded(node)
