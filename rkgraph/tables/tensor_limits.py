"""Limits on one input or output of a node, or on all its inputs."""

# ruff: noqa: D102 -- the methods of the kinds are documented once, in LimitKind

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, ClassVar, Literal

from rkgraph.tables.limit import IsConstant, LimitKind, Scalar, choice, interval, listed, within

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

__all__ = [
    "Batch",
    "DimensionProduct",
    "DimensionRange",
    "Dtype",
    "Elements",
    "Rank",
    "StaticShape",
    "TensorLimit",
]


class TensorLimit(LimitKind):
    """A limit on one input or output tensor of the node, or on all its inputs (`index` "all")."""

    index: int | Literal["all"]
    label: str = ""
    side: Literal["input", "output"] = "input"

    @property
    def name(self) -> str:
        """The tensor in words."""
        if self.label:
            return f"`{self.label}`"
        return f"every {self.side}" if self.index == "all" else f"{self.side} {self.index}"

    def tensors(self, node: Node) -> tuple[str, ...]:
        """Names of the values that the limit looks at; optional ones that are left out do not count."""
        names = node.inputs if self.side == "input" else node.outputs
        if self.index != "all":
            names = names[self.index : self.index + 1]
        return tuple(n for n in names if n)


class Dtype(TensorLimit):
    """The element type, in numpy spelling, is one of `allowed`, or none of `refused`."""

    kind: ClassVar[str] = "dtype"
    allowed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        for name in self.tensors(node):
            dtype = graph.value(name).dtype
            if dtype is not None:
                yield dtype

    def accepts(self, observed: Scalar) -> bool:
        return listed(observed, self.allowed, self.refused)

    @property
    def subject(self) -> str:
        return self.name

    @property
    def requirement(self) -> str:
        return choice(self.allowed, self.refused)


class Rank(TensorLimit):
    """The number of dimensions is one of `allowed`, or none of `refused`."""

    kind: ClassVar[str] = "rank"
    allowed: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        for name in self.tensors(node):
            shape = graph.value(name).shape
            if shape is not None:
                yield len(shape)

    def accepts(self, observed: Scalar) -> bool:
        return listed(observed, self.allowed, self.refused)

    @property
    def subject(self) -> str:
        return f"the rank of {self.name}"

    @property
    def requirement(self) -> str:
        return choice(self.allowed, self.refused)


class DimensionRange(TensorLimit):
    """Dimension `axis` (negative counts from the end) lies in [low, high]; either bound may be left out."""

    kind: ClassVar[str] = "dimension"
    axis: int = 0
    low: int | None = None
    high: int | None = None

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        for name in self.tensors(node):
            shape = graph.value(name).shape
            if shape is not None and -len(shape) <= self.axis < len(shape):
                size = shape[self.axis]
                if isinstance(size, int):
                    yield size

    def accepts(self, observed: Scalar) -> bool:
        return within(observed, self.low, self.high)

    @property
    def subject(self) -> str:
        return f"dimension {self.axis} of {self.name}"

    @property
    def requirement(self) -> str:
        return interval(self.low, self.high)


class DimensionProduct(TensorLimit):
    """The product of the dimensions `axes` (negative ones count from the end) lies in [low, high]."""

    kind: ClassVar[str] = "product"
    axes: tuple[int, ...] = ()
    low: int | None = None
    high: int | None = None

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        for name in self.tensors(node):
            shape = graph.value(name).shape
            if shape is None or not all(-len(shape) <= axis < len(shape) for axis in self.axes):
                continue
            sizes = [size for axis in self.axes if isinstance(size := shape[axis], int)]
            if len(sizes) == len(self.axes):
                yield prod(sizes)

    def accepts(self, observed: Scalar) -> bool:
        return within(observed, self.low, self.high)

    @property
    def subject(self) -> str:
        return f"the product of dimensions {' and '.join(map(str, self.axes))} of {self.name}"

    @property
    def requirement(self) -> str:
        return interval(self.low, self.high)


class Elements(TensorLimit):
    """The number of elements lies in [low, high]; either bound may be left out."""

    kind: ClassVar[str] = "elements"
    low: int | None = None
    high: int | None = None

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        for name in self.tensors(node):
            value = graph.value(name)
            if value.shape is not None and value.is_static:
                yield prod(size for size in value.shape if isinstance(size, int))

    def accepts(self, observed: Scalar) -> bool:
        return within(observed, self.low, self.high)

    @property
    def subject(self) -> str:
        return f"the number of elements of {self.name}"

    @property
    def requirement(self) -> str:
        return interval(self.low, self.high)


class Batch(TensorLimit):
    """The first dimension of a tensor with at least two is at most `most`."""

    kind: ClassVar[str] = "batch"
    most: int = 1

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        for name in self.tensors(node):
            shape = graph.value(name).shape
            if shape is not None and len(shape) >= 2 and isinstance(shape[0], int):
                yield shape[0]

    def accepts(self, observed: Scalar) -> bool:
        return within(observed, None, self.most)

    @property
    def subject(self) -> str:
        return f"the batch of {self.name}"

    @property
    def requirement(self) -> str:
        return "1" if self.most == 1 else f"at most {self.most}"


class StaticShape(TensorLimit):
    """Rank and all dimensions are known numbers."""

    kind: ClassVar[str] = "static-shape"

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        for name in self.tensors(node):
            value = graph.value(name)
            yield "static" if value.is_static else "dynamic"

    def accepts(self, observed: Scalar) -> bool:
        return observed == "static"

    @property
    def subject(self) -> str:
        return f"the shape of {self.name}"

    @property
    def requirement(self) -> str:
        return "static"
