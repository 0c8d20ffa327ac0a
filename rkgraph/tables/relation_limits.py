"""Limits on how the parts of a node relate: operands to each other, an axis to the rank, the node to the opset."""

# ruff: noqa: D102 -- the methods of the kinds are documented once, in LimitKind

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, ClassVar, Literal

from rkgraph.tables.axes import axes_of, shape_of_first
from rkgraph.tables.limit import IsConstant, LimitKind, Scalar, choice, interval, listed, within

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

__all__ = ["Arity", "Axis", "Broadcast", "Opset", "RankOrder", "SameOperand", "SameRank"]


class Opset(LimitKind):
    """The opset that the model imports for the node's domain lies in [low, high]."""

    kind: ClassVar[str] = "opset"
    low: int | None = None
    high: int | None = None

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        opset = graph.opset if node.domain in ("", "ai.onnx") else graph.opsets.get(node.domain)
        if opset is not None:
            yield opset

    def accepts(self, observed: Scalar) -> bool:
        return within(observed, self.low, self.high)

    @property
    def subject(self) -> str:
        return "the model's opset"

    @property
    def requirement(self) -> str:
        return interval(self.low, self.high)


class Arity(LimitKind):
    """The number of inputs that are given lies in [low, high]."""

    kind: ClassVar[str] = "arity"
    low: int | None = None
    high: int | None = None

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        yield sum(bool(name) for name in node.inputs)

    def accepts(self, observed: Scalar) -> bool:
        return within(observed, self.low, self.high)

    @property
    def subject(self) -> str:
        return "the number of inputs"

    @property
    def requirement(self) -> str:
        return interval(self.low, self.high)


class Axis(LimitKind):
    """Every axis that the node works along, counted from the start (0, 1 …) or from the end (-1, -2 …).

    The axes are those of `attribute`, or of the small constant input `index`; `default` where neither is given (None:
    nothing is observed). They belong to the first input, or to the first output where `side` says so (Unsqueeze).
    """

    kind: ClassVar[str] = "axis"
    counted: Literal["start", "end"]
    attribute: str = ""
    index: int | None = None
    default: int | None = None
    side: Literal["input", "output"] = "input"
    allowed: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        shape = shape_of_first(node, graph, self.side)
        if shape is None:
            return
        for axis in axes_of(node, graph, len(shape), (self.attribute, self.index, self.default)):
            yield axis if self.counted == "start" else axis - len(shape)

    def accepts(self, observed: Scalar) -> bool:
        return listed(observed, self.allowed, self.refused)

    @property
    def subject(self) -> str:
        return f"the axis, counted from the {self.counted},"

    @property
    def requirement(self) -> str:
        return choice(self.allowed, self.refused)


_FORMS = {
    "equal": "of the same shape",
    "first-single": "a single element with a tensor",
    "second-single": "a tensor with a single element",
    "first": "such that the first is broadcast",
    "second": "such that the second is broadcast",
    "both": "such that both are broadcast",
    "unaligned": "of shapes that numpy does not broadcast",
}
"""The ways in which two operands meet, as what they are."""


class Broadcast(LimitKind):
    """How the shapes of two operands meet: "equal", "first-single" (one element), "first" (is broadcast) and so on."""

    kind: ClassVar[str] = "broadcast"
    first: int = 0
    second: int = 1
    allowed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        if max(self.first, self.second) >= len(node.inputs):
            return
        shapes = [graph.value(node.inputs[i]).shape for i in (self.first, self.second)]
        a, b = ([d for d in shape if isinstance(d, int)] if shape is not None else None for shape in shapes)
        if a is None or b is None or len(a) != len(shapes[0] or ()) or len(b) != len(shapes[1] or ()):
            return
        yield _meeting(a, b)

    def accepts(self, observed: Scalar) -> bool:
        return listed(observed, self.allowed, self.refused)

    @property
    def subject(self) -> str:
        return f"inputs {self.first} and {self.second}"

    @property
    def requirement(self) -> str:
        allowed, refused = (tuple(_FORMS.get(f, f) for f in forms) for forms in (self.allowed, self.refused))
        return choice(allowed, refused)

    @property
    def condition(self) -> str:
        return f"{self.subject} are {self.requirement}"


class RankOrder(LimitKind):
    """The rank of input `first` against that of input `second`: "lower", "equal" or "higher"."""

    kind: ClassVar[str] = "rank-order"
    first: int = 0
    second: int = 1
    allowed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        if max(self.first, self.second) >= len(node.inputs):
            return
        a, b = (graph.value(node.inputs[i]).shape for i in (self.first, self.second))
        if a is not None and b is not None:
            yield "lower" if len(a) < len(b) else "higher" if len(a) > len(b) else "equal"

    def accepts(self, observed: Scalar) -> bool:
        return listed(observed, self.allowed, self.refused)

    @property
    def subject(self) -> str:
        return f"the rank of input {self.first}, against that of input {self.second},"

    @property
    def requirement(self) -> str:
        return choice(self.allowed, self.refused)


class SameRank(LimitKind):
    """All inputs that are given have one rank (`same` true), or several; `computed`: constants do not count."""

    kind: ClassVar[str] = "same-rank"
    computed: bool = False
    same: bool = True

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:
        names = [name for name in node.inputs if name and not (self.computed and is_constant(name))]
        shapes = [graph.value(name).shape for name in names]
        if shapes and all(shape is not None for shape in shapes):
            yield "one rank" if len({len(shape) for shape in shapes if shape is not None}) == 1 else "several ranks"

    def accepts(self, observed: Scalar) -> bool:
        return (observed == "one rank") == self.same

    @property
    def subject(self) -> str:
        return "all computed inputs" if self.computed else "all inputs"

    @property
    def requirement(self) -> str:
        return "of one rank" if self.same else "of several ranks"

    @property
    def condition(self) -> str:
        return f"{self.subject} are {self.requirement}"


class SameOperand(LimitKind):
    """Two inputs are one and the same value (`same` true), or are not."""

    kind: ClassVar[str] = "same-operand"
    first: int = 0
    second: int = 1
    same: bool = False

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        if max(self.first, self.second) < len(node.inputs):
            yield "one value" if node.inputs[self.first] == node.inputs[self.second] else "different values"

    def accepts(self, observed: Scalar) -> bool:
        return (observed == "one value") == self.same

    @property
    def subject(self) -> str:
        return f"inputs {self.first} and {self.second}"

    @property
    def requirement(self) -> str:
        return "one value" if self.same else "different values"

    @property
    def condition(self) -> str:
        return f"{self.subject} are {self.requirement}"


def _meeting(a: list[int], b: list[int]) -> str:
    """The form in which two static shapes meet under numpy's broadcasting."""
    if a == b:
        return "equal"
    if prod(a) == 1 or prod(b) == 1:
        return "first-single" if prod(a) == 1 and len(a) <= len(b) else "second-single"
    rank = max(len(a), len(b))
    wide_a, wide_b = [1] * (rank - len(a)) + a, [1] * (rank - len(b)) + b
    if any(m != n and 1 not in (m, n) for m, n in zip(wide_a, wide_b, strict=True)):
        return "unaligned"
    result = [max(m, n) for m, n in zip(wide_a, wide_b, strict=True)]
    if wide_a == result and wide_b == result:
        return "first" if len(a) < len(b) else "second"
    if wide_a == result:
        return "second"
    return "first" if wide_b == result else "both"
