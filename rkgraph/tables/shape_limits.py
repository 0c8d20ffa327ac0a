"""Limits on what shapes amount to: orders and ranks without dimensions of 1, sizes along axes, overhanging windows."""

# ruff: noqa: D102 -- the methods of the kinds are documented once, in LimitKind

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, ClassVar

from rkgraph.tables.axes import axes_of, shape_of_first, static_shape
from rkgraph.tables.limit import IsConstant, LimitKind, Scalar, choice, interval, listed, within
from rkgraph.tables.tensor_limits import TensorLimit

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

__all__ = [
    "AxisSize",
    "Divisible",
    "Grouping",
    "MergedOrder",
    "Multiple",
    "Ratio",
    "Square",
    "TrueRank",
    "WindowOverhang",
]


class TrueRank(TensorLimit):
    """The number of dimensions larger than 1 lies in [low, high]."""

    kind: ClassVar[str] = "true-rank"
    low: int | None = None
    high: int | None = None

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        for name in self.tensors(node):
            shape = static_shape(graph, name)
            if shape is not None:
                yield sum(size > 1 for size in shape)

    def accepts(self, observed: Scalar) -> bool:
        return within(observed, self.low, self.high)

    @property
    def subject(self) -> str:
        return f"the number of dimensions of {self.name} that are larger than 1"

    @property
    def requirement(self) -> str:
        return interval(self.low, self.high)


class Multiple(TensorLimit):
    """The product of the dimensions `axes` (negative count from the end) is a multiple of `of`, or is not."""

    kind: ClassVar[str] = "multiple"
    axes: tuple[int, ...] = ()
    of: int = 8
    multiple: bool = True

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        for name in self.tensors(node):
            shape = static_shape(graph, name)
            if shape is not None and all(-len(shape) <= axis < len(shape) for axis in self.axes):
                yield "a multiple" if prod(shape[axis] for axis in self.axes) % self.of == 0 else "no multiple"

    def accepts(self, observed: Scalar) -> bool:
        return (observed == "a multiple") == self.multiple

    @property
    def subject(self) -> str:
        if len(self.axes) == 1:
            return f"dimension {self.axes[0]} of {self.name}"
        return f"the product of dimensions {' and '.join(map(str, self.axes))} of {self.name}"

    @property
    def requirement(self) -> str:
        return f"{'a' if self.multiple else 'no'} multiple of {self.of}"


class Square(TensorLimit):
    """The dimensions `axes` are all of one size (`square` true), or are not."""

    kind: ClassVar[str] = "square"
    axes: tuple[int, ...] = ()
    square: bool = True

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        for name in self.tensors(node):
            shape = static_shape(graph, name)
            if shape is not None and all(-len(shape) <= axis < len(shape) for axis in self.axes):
                yield "equal" if len({shape[axis] for axis in self.axes}) == 1 else "different"

    def accepts(self, observed: Scalar) -> bool:
        return (observed == "equal") == self.square

    @property
    def subject(self) -> str:
        return f"dimensions {' and '.join(map(str, self.axes))} of {self.name}"

    @property
    def requirement(self) -> str:
        return "equal" if self.square else "different"

    @property
    def condition(self) -> str:
        return f"{self.subject} are {self.requirement}"


class Ratio(LimitKind):
    """How the dimensions that a Resize changes grow: "whole" (x2), "half" (x1/2), "up" or "down" by anything else."""

    kind: ClassVar[str] = "ratio"
    allowed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        if not (node.inputs and node.inputs[0] and node.outputs):
            return
        given, made = static_shape(graph, node.inputs[0]), static_shape(graph, node.outputs[0])
        if given is None or made is None or len(given) != len(made):
            return
        for size, result in zip(given, made, strict=True):
            if size and size != result:
                yield (
                    "whole"
                    if result % size == 0
                    else "half"
                    if 2 * result == size
                    else "up"
                    if result > size
                    else "down"
                )

    def accepts(self, observed: Scalar) -> bool:
        return listed(observed, self.allowed, self.refused)

    @property
    def subject(self) -> str:
        return "the factor of size"

    @property
    def requirement(self) -> str:
        return choice(self.allowed, self.refused)


class MergedOrder(LimitKind):
    """The order of a Transpose where dimensions of 1 are dropped and those that stay neighbours are one.

    Observed as text: "021" swaps the last two of three, "0" moves nothing.
    """

    kind: ClassVar[str] = "merged-order"
    allowed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        shape = static_shape(graph, node.inputs[0]) if node.inputs and node.inputs[0] else None
        if shape is None:
            return
        order = node.attributes.get("perm", tuple(reversed(range(len(shape)))))
        if isinstance(order, tuple) and sorted(order) == list(range(len(shape))):
            yield _merged([axis for axis in order if shape[axis] != 1])

    def accepts(self, observed: Scalar) -> bool:
        return listed(observed, self.allowed, self.refused)

    @property
    def subject(self) -> str:
        return "the order of dimensions (those of 1 dropped, neighbours that stay together merged)"

    @property
    def requirement(self) -> str:
        return choice(self.allowed, self.refused)


class AxisSize(LimitKind):
    """The product of the dimensions that the node works along lies in [low, high]; axes as in the kind `axis`."""

    kind: ClassVar[str] = "axis-size"
    attribute: str = ""
    index: int | None = None
    default: int | None = None
    low: int | None = None
    high: int | None = None

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        shape = shape_of_first(node, graph, "input")
        if shape is None:
            return
        axes = axes_of(node, graph, len(shape), (self.attribute, self.index, self.default))
        sizes = [size for axis in axes if isinstance(size := shape[axis], int)]
        if sizes and len(sizes) == len(axes):
            yield prod(sizes)

    def accepts(self, observed: Scalar) -> bool:
        return within(observed, self.low, self.high)

    @property
    def subject(self) -> str:
        return "the size along the axes"

    @property
    def requirement(self) -> str:
        return interval(self.low, self.high)


class Divisible(LimitKind):
    """The size along the axis is a multiple of the number of outputs (`even` true), or is not: Split."""

    kind: ClassVar[str] = "divisible"
    attribute: str = "axis"
    default: int = 0
    even: bool = True

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        shape = shape_of_first(node, graph, "input")
        if shape is None:
            return
        for axis in axes_of(node, graph, len(shape), (self.attribute, None, self.default)):
            size = shape[axis]
            if isinstance(size, int) and node.outputs:
                yield "even" if size % len(node.outputs) == 0 else "uneven"

    def accepts(self, observed: Scalar) -> bool:
        return (observed == "even") == self.even

    @property
    def subject(self) -> str:
        return "the size along the axis"

    @property
    def requirement(self) -> str:
        return f"{'a' if self.even else 'no'} multiple of the number of outputs"


class Grouping(LimitKind):
    """How a convolution groups its channels: "dense" (one group), "depthwise" (a group a channel) or "grouped"."""

    kind: ClassVar[str] = "grouping"
    allowed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        groups = node.attributes.get("group", 1)
        shape = shape_of_first(node, graph, "input")
        if groups == 1:
            yield "dense"
        elif shape is not None and len(shape) > 1 and isinstance(shape[1], int):
            yield "depthwise" if groups == shape[1] else "grouped"

    def accepts(self, observed: Scalar) -> bool:
        return listed(observed, self.allowed, self.refused)

    @property
    def subject(self) -> str:
        return "the convolution"

    @property
    def requirement(self) -> str:
        return choice(self.allowed, self.refused)


class WindowOverhang(LimitKind):
    """How far the windows of a pool reach beyond its input, at most, in elements, lies in [low, high].

    From the static sizes: (out - 1) · stride + kernel - in, the largest over the spatial dimensions. Dilations do not
    count. Positive where padding is really used; pads that are written out and not used do not matter.
    """

    kind: ClassVar[str] = "window-overhang"
    low: int | None = None
    high: int | None = None

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        kernel = node.attributes.get("kernel_shape")
        if not isinstance(kernel, tuple) or not node.inputs or not node.outputs:
            return
        given, made = static_shape(graph, node.inputs[0]), static_shape(graph, node.outputs[0])
        strides = node.attributes.get("strides") or (1,) * len(kernel)
        if given and made and len(given) == len(made) == len(kernel) + 2 and len(strides) == len(kernel):
            sizes = zip(given[2:], made[2:], strides, kernel, strict=True)
            yield max((out - 1) * stride + window - size for size, out, stride, window in sizes)

    def accepts(self, observed: Scalar) -> bool:
        return within(observed, self.low, self.high)

    @property
    def subject(self) -> str:
        return "how far windows reach beyond the input"

    @property
    def requirement(self) -> str:
        return interval(self.low, self.high)


def _merged(order: list[int]) -> str:
    """An order of dimensions as text, runs of neighbours merged and renumbered."""
    runs: list[list[int]] = []
    rank = {axis: place for place, axis in enumerate(sorted(order))}
    for axis in order:
        if runs and rank[axis] == rank[runs[-1][-1]] + 1:
            runs[-1].append(axis)
        else:
            runs.append([axis])
    places = {run[0]: place for place, run in enumerate(sorted(runs))}
    return "".join(str(places[run[0]]) for run in runs) or "0"


def _factor(size: int, result: int) -> str:
    """How a dimension grows."""
    if result % size == 0:
        return "whole"
    if 2 * result == size:
        return "half"
    return "up" if result > size else "down"
