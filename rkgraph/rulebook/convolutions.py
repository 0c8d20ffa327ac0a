"""Convolutions written with those that the compiler has: padding by number, group by group, plane by plane."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rkgraph.rulebook.known import NotKnown, float_of, input_of, shape_of
from rkgraph.rulebook.windows import Windows, windows_of

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.writer import Writer

__all__ = ["Convolution", "by_groups", "by_planes", "convolution_of", "terms_of"]

MOST_GROUPS = 64
STEPS = 10  # Slice has steps since this opset
DEEPEST = 16
"""Most planes of a window: each is a convolution of its own."""


@dataclass(frozen=True)
class Convolution:
    """A Conv or ConvTranspose of static shapes: values by name ("" for no bias), and how its windows lie.

    `extra` is `output_padding`: what is added to the end of each axis of a ConvTranspose's result.
    """

    op: str
    x: str
    weight: str
    bias: str
    dtype: str
    shape: tuple[int, ...]
    weights: tuple[int, ...]
    group: int
    windows: Windows
    extra: tuple[int, ...]

    @property
    def is_transposed(self) -> bool:
        """Whether it is a ConvTranspose."""
        return self.op == "ConvTranspose"

    @property
    def channels(self) -> int:
        """How many channels come out."""
        return self.weights[1] * self.group if self.is_transposed else self.weights[0]

    @property
    def results(self) -> tuple[int, ...]:
        """The spatial sizes of the result."""
        sizes = self.shape[2:]
        if not self.is_transposed:
            return self.windows.results(sizes)
        w = self.windows
        parts = zip(sizes, w.strides, w.reach, self.extra, w.begins, w.ends, strict=True)
        return tuple((n - 1) * s + reach + extra - b - e for n, s, reach, extra, b, e in parts)

    def write(self, write: Writer, x: str, weight: str, bias: str) -> str:
        """The node of these windows on other values."""
        w = self.windows
        more: dict[str, Any] = {"output_padding": self.extra} if any(self.extra) else {}
        return write.op(
            self.op, x, weight, *([bias] if bias else []), group=self.group, kernel_shape=w.kernel, strides=w.strides,
            dilations=w.dilations, pads=w.pads, **more,
        )  # fmt: skip


def convolution_of(graph: GraphView, node: Node) -> Convolution:
    """The convolution of a node, padding by number.

    Raises:
        NotKnown: shapes are dynamic, or attributes do not fit them.
    """
    x, weight = node.inputs[:2]
    shape, weights = shape_of(graph, x), shape_of(graph, weight)
    axes = len(shape) - 2
    if axes < 1 or len(weights) != len(shape):
        raise NotKnown(f"{node.label} convolves {shape} with {weights}")
    extra = tuple(node.attributes.get("output_padding", (0,) * axes))
    if len(extra) != axes:
        raise NotKnown(f"{node.label} has an output_padding of another length than its {axes} spatial axes")
    group = int(node.attributes.get("group", 1))
    dtype = float_of(graph, x)
    if node.op == "ConvTranspose":
        windows, extra = _transposed_windows(node, shape[2:], weights[2:], extra)
    else:
        windows = windows_of(node, shape[2:], weights[2:])
    return Convolution(node.op, x, weight, input_of(node, 2), dtype, shape, weights, group, windows, extra)


def _transposed_windows(
    node: Node, sizes: tuple[int, ...], kernel: tuple[int, ...], extra: tuple[int, ...]
) -> tuple[Windows, tuple[int, ...]]:
    """The windows of a ConvTranspose: `output_shape` and SAME say what comes out, and pads follow from it."""
    attributes = dict(node.attributes)
    kind = str(attributes.pop("auto_pad", "NOTSET"))
    wanted = attributes.pop("output_shape", None)
    plain = windows_of(_with_attributes(node, attributes), sizes, kernel)  # without auto_pad
    if wanted is None and kind.startswith("SAME"):
        wanted = tuple(n * s for n, s in zip(sizes, plain.strides, strict=True))
    if wanted is None:
        return (plain if kind == "NOTSET" else replace(plain, begins=(0,) * len(sizes), ends=(0,) * len(sizes))), extra
    if len(wanted) != len(sizes):
        raise NotKnown(f"{node.label} has an output_shape of another length than its {len(sizes)} spatial axes")
    begins, ends, more = [], [], []
    for n, s, reach, add, want in zip(sizes, plain.strides, plain.reach, extra, wanted, strict=True):
        total = (n - 1) * s + add + reach - want
        if total < 0 and kind.startswith("SAME"):
            raise NotKnown(f"{node.label}: windows of {reach} do not reach across the stride of {s}")
        less = max(total, 0) // 2
        rest = max(total, 0) - less
        begins.append(rest if kind == "SAME_LOWER" else less)
        ends.append(less if kind == "SAME_LOWER" else rest)
        more.append(add + max(-total, 0))
    if kind in ("NOTSET", "VALID"):  # ONNX Runtime puts the odd one in front unless SAME_UPPER says otherwise
        begins, ends = ends, begins
    return replace(plain, begins=tuple(begins), ends=tuple(ends)), tuple(more)


def _with_attributes(node: Node, attributes: dict[str, Any]) -> Node:
    """The node with other attributes."""
    return replace(node, attributes=attributes)


def by_groups(write: Writer, conv: Convolution) -> str:
    """One convolution for each group of channels.

    Raises:
        NotKnown: there are more than `MOST_GROUPS`.
    """
    if conv.group > MOST_GROUPS:
        raise NotKnown(f"{conv.op} of {conv.group} groups would be as many convolutions")

    def parts(name: str, axis: int, size: int) -> tuple[str, ...]:
        return write.split(name, axis, [size // conv.group] * conv.group)

    one = replace(conv, group=1)
    inputs = parts(conv.x, 1, conv.shape[1]), parts(conv.weight, 0, conv.weights[0])
    biases = parts(conv.bias, 0, conv.channels) if conv.bias else ("",) * conv.group
    return write.concat([one.write(write, *each) for each in zip(*inputs, biases, strict=True)], 1)


def by_planes(write: Writer, conv: Convolution) -> str:
    """A convolution over three axes as a sum of some over two, one for each plane of the window.

    Raises:
        NotKnown: the window has more than `DEEPEST` planes.
    """
    batch, channels, depth, height, width = conv.shape
    planes = conv.weights[2]
    if planes > DEEPEST:
        raise NotKnown(f"{conv.op} with windows of {planes} planes would be as many convolutions")
    flat = _without_depth(conv)
    turned = write.transpose(conv.x, (0, 2, 1, 3, 4))
    turned = write.reshape(turned, (batch, depth, channels * height * width))  # planes of five dimensions crash
    rows, columns = conv.results[1:]
    inner = conv.channels * rows * columns
    total = ""
    for plane in range(planes):
        weight = write.slice(conv.weight, (2,), (plane,), (plane + 1,))
        weight = write.reshape(weight, (*conv.weights[:2], *conv.weights[3:]))
        if conv.is_transposed:
            each = write.reshape(turned, (batch * depth, channels, height, width))
            part = write.reshape(flat.write(write, each, weight, ""), (batch, depth, inner))
            part = _spread(write, conv, part, plane, (batch, depth, inner))
        else:
            chosen, count = _chosen(write, conv, turned, plane)
            each = write.reshape(chosen, (batch * count, channels, height, width))
            part = write.reshape(flat.write(write, each, weight, ""), (batch, count, inner))
        total = write.op("Add", total, part) if total else part
    total = write.reshape(total, (batch, conv.results[0], conv.channels, rows, columns))
    total = write.transpose(total, (0, 2, 1, 3, 4))
    return write.op("Add", total, write.reshape(conv.bias, (1, -1, 1, 1, 1))) if conv.bias else total


def _without_depth(conv: Convolution) -> Convolution:
    w = conv.windows
    inner = Windows(w.kernel[1:], w.strides[1:], w.dilations[1:], w.begins[1:], w.ends[1:])
    return replace(conv, windows=inner, extra=conv.extra[1:])


def _chosen(write: Writer, conv: Convolution, turned: str, plane: int) -> tuple[str, int]:
    """The planes that plane `plane` of the window meets, and how many."""
    w, count = conv.windows, conv.results[0]
    if w.begins[0] or w.ends[0]:
        turned = write.pad(turned, conv.dtype, (0, w.begins[0], 0, 0, w.ends[0], 0))
    start, stride = plane * w.dilations[0], w.strides[0]
    if stride > 1 and write.opset < STEPS:
        places = range(start, start + (count - 1) * stride + 1, stride)
        return write.op("Gather", turned, write.integers(list(places), "planes"), axis=1), count
    return write.slice(turned, (1,), (start,), (start + (count - 1) * stride + 1,), (stride,)), count


def _spread(write: Writer, conv: Convolution, part: str, plane: int, shape: tuple[int, int, int]) -> str:
    """Planes a stride apart, moved to where plane `plane` of the window puts them, padding cut off: the whole depth."""
    w = conv.windows
    batch, depth, inner = shape
    stride, step = w.strides[0], w.dilations[0]
    if stride > 1:
        wide = write.reshape(part, (batch, depth, 1, inner))
        wide = write.pad(wide, conv.dtype, (0, 0, 0, 0, 0, 0, stride - 1, 0))
        part = write.reshape(wide, (batch, depth * stride, inner))
    front, whole = plane * step, w.begins[0] + conv.results[0]
    back = max(whole - front - depth * stride, 0)
    if front or back:
        part = write.pad(part, conv.dtype, (0, front, 0, 0, back, 0))
    length = front + depth * stride + back
    if w.begins[0] or length > whole:
        part = write.slice(part, (1,), (w.begins[0],), (whole,))
    return part


def terms_of(conv: Convolution) -> int:
    """How many products go into one number of the result."""
    return math.prod(conv.weights[1:]) if not conv.is_transposed else conv.shape[1] * math.prod(conv.weights[2:])
