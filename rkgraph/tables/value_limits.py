"""Limits on whether an input is given, whether it is constant, and which elements it has."""

# ruff: noqa: D102 -- the methods of the kinds are documented once, in LimitKind

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from rkgraph.tables.limit import IsConstant, Scalar, choice, interval, listed, within
from rkgraph.tables.tensor_limits import TensorLimit

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

__all__ = ["ConstantIn", "ConstantInput", "ConstantRange", "Presence"]


class ConstantInput(TensorLimit):
    """The tensor is a constant when lowering starts (`constant` true), or is computed (false)."""

    kind: ClassVar[str] = "constant"
    constant: bool = True

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        for name in self.tensors(node):
            yield "a constant" if is_constant(name) else "computed"

    def accepts(self, observed: Scalar) -> bool:
        return (observed == "a constant") == self.constant

    @property
    def subject(self) -> str:
        return self.name

    @property
    def requirement(self) -> str:
        return "a constant" if self.constant else "computed"


class ConstantRange(TensorLimit):
    """Every element of a small constant input (the steps of a Slice, the exponent of a Pow) lies in [low, high].

    Truth values count as 0 and 1.
    """

    kind: ClassVar[str] = "constant-range"
    low: float | None = None
    high: float | None = None

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        for name in self.tensors(node):
            constant = graph.constant(name)
            if constant is not None:
                yield from (
                    int(v) if isinstance(v, bool) else v for v in constant.values if isinstance(v, (int, float))
                )

    def accepts(self, observed: Scalar) -> bool:
        return within(observed, self.low, self.high)

    @property
    def subject(self) -> str:
        return f"every element of {self.name}"

    @property
    def requirement(self) -> str:
        return interval(self.low, self.high)


class ConstantIn(TensorLimit):
    """Every element of a small constant input is one of `allowed`, or none of `refused`. Truth values are 0 and 1."""

    kind: ClassVar[str] = "constant-in"
    allowed: tuple[Scalar, ...] = ()
    refused: tuple[Scalar, ...] = ()

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        for name in self.tensors(node):
            constant = graph.constant(name)
            if constant is not None:
                yield from (
                    int(v) if isinstance(v, bool) else v for v in constant.values if isinstance(v, (int, float))
                )

    def accepts(self, observed: Scalar) -> bool:
        return listed(observed, self.allowed, self.refused)

    @property
    def subject(self) -> str:
        return f"every element of {self.name}"

    @property
    def requirement(self) -> str:
        return choice(self.allowed, self.refused)


class Presence(TensorLimit):
    """An optional input or output is given (`present` true), or left out (false)."""

    kind: ClassVar[str] = "presence"
    present: bool = True

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        yield "given" if self.tensors(node) else "left out"

    def accepts(self, observed: Scalar) -> bool:
        return (observed == "given") == self.present

    @property
    def subject(self) -> str:
        return self.name

    @property
    def requirement(self) -> str:
        return "given" if self.present else "left out"


def _numbers(name: str, graph: GraphView) -> Iterator[int | float]:
    """The elements of a small constant that are numbers; truth values are 0 and 1."""
    constant = graph.constant(name)
    if constant is not None:
        for value in constant.values:
            if isinstance(value, (int, float)):
                yield int(value) if isinstance(value, bool) else value
