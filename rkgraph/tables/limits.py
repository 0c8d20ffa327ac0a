"""The closed set of limits that an operator may have, each one small check that also words itself.

A limit looks at one node (`observe`) and knows what it accepts; from the same fields come the check, the message of
a violation and the text of the reference page. What cannot be known (a symbolic dimension, an unknown dtype, an
optional input that is left out) is not observed, and what is not observed violates nothing.
"""

# ruff: noqa: D102 -- the methods of the kinds are documented once, in LimitKind

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

__all__ = [
    "KINDS",
    "AttributeIn",
    "AttributePresence",
    "AttributeRange",
    "Batch",
    "ConstantInput",
    "DimensionRange",
    "Dtype",
    "IsConstant",
    "LimitKind",
    "Neighbour",
    "Presence",
    "Rank",
    "Scalar",
    "StaticShape",
]

IsConstant = Callable[[str], bool]
"""Whether a value is constant when lowering starts: an initializer, or folded away before."""

Scalar = int | float | str


@dataclass(frozen=True, slots=True)
class LimitKind:
    """What all kinds share. `label` is the name of the input, output or attribute in messages."""

    kind: ClassVar[str] = ""

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:
        """What is known of the thing that this limit is about: nothing, one or (for "all") several observations."""
        raise NotImplementedError

    def accepts(self, observed: Scalar) -> bool:
        """Whether an observation is within the limit."""
        raise NotImplementedError

    @property
    def subject(self) -> str:
        """What the limit is about, as a noun."""
        raise NotImplementedError

    @property
    def requirement(self) -> str:
        """What the subject must be."""
        raise NotImplementedError

    def check(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Scalar | None:
        """The first observation that violates the limit, None where none does."""
        return next((o for o in self.observe(node, graph, is_constant) if not self.accepts(o)), None)

    def holds(self, node: Node, graph: GraphView, is_constant: IsConstant) -> bool:
        """True where something was observed and all of it is accepted: the limit used as a condition."""
        observed = list(self.observe(node, graph, is_constant))
        return bool(observed) and all(self.accepts(o) for o in observed)

    def describe(self) -> str:
        """The limit as a sentence without a full stop: "`indices` must be int32 or float32"."""
        return f"{self.subject} must be {self.requirement}"


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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
        return _listed(observed, self.allowed, self.refused)

    @property
    def subject(self) -> str:
        return self.name

    @property
    def requirement(self) -> str:
        return _choice(self.allowed, self.refused)


@dataclass(frozen=True, slots=True)
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
        return _listed(observed, self.allowed, self.refused)

    @property
    def subject(self) -> str:
        return f"the rank of {self.name}"

    @property
    def requirement(self) -> str:
        return _choice(self.allowed, self.refused)


@dataclass(frozen=True, slots=True)
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
        return _within(observed, self.low, self.high)

    @property
    def subject(self) -> str:
        return f"dimension {self.axis} of {self.name}"

    @property
    def requirement(self) -> str:
        return _interval(self.low, self.high)


@dataclass(frozen=True, slots=True)
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
        return _within(observed, None, self.most)

    @property
    def subject(self) -> str:
        return f"the batch of {self.name}"

    @property
    def requirement(self) -> str:
        return "1" if self.most == 1 else f"at most {self.most}"


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class AttributeIn(LimitKind):
    """An attribute is one of `allowed`, or none of `refused`.

    A tuple is compared as text ("2,2"); an attribute that is left out has the value `default`.
    """

    kind: ClassVar[str] = "attribute-in"
    attribute: str
    allowed: tuple[Scalar, ...] = ()
    refused: tuple[Scalar, ...] = ()
    default: Scalar | None = None

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        value = node.attributes.get(self.attribute, self.default)
        if isinstance(value, tuple):
            yield ",".join(str(v) for v in value)
        elif isinstance(value, (int, float, str)):
            yield value

    def accepts(self, observed: Scalar) -> bool:
        return _listed(observed, self.allowed, self.refused)

    @property
    def subject(self) -> str:
        return f"attribute `{self.attribute}`"

    @property
    def requirement(self) -> str:
        return _choice(self.allowed, self.refused)


@dataclass(frozen=True, slots=True)
class AttributeRange(LimitKind):
    """An attribute, or every element of it, lies in [low, high]; left out, it has the value `default`."""

    kind: ClassVar[str] = "attribute-range"
    attribute: str
    low: float | None = None
    high: float | None = None
    default: Scalar | None = None

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        value = node.attributes.get(self.attribute, self.default)
        for element in value if isinstance(value, tuple) else (value,):
            if isinstance(element, (int, float)):
                yield element

    def accepts(self, observed: Scalar) -> bool:
        return _within(observed, self.low, self.high)

    @property
    def subject(self) -> str:
        return f"attribute `{self.attribute}`"

    @property
    def requirement(self) -> str:
        return _interval(self.low, self.high)


@dataclass(frozen=True, slots=True)
class AttributePresence(LimitKind):
    """An attribute is written in the model, default or not (`present` true), or is left out (false)."""

    kind: ClassVar[str] = "attribute-presence"
    attribute: str
    present: bool = True

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        yield "written out" if self.attribute in node.attributes else "left out"

    def accepts(self, observed: Scalar) -> bool:
        return (observed == "written out") == self.present

    @property
    def subject(self) -> str:
        return f"attribute `{self.attribute}`"

    @property
    def requirement(self) -> str:
        return "written out" if self.present else "left out"


@dataclass(frozen=True, slots=True)
class Neighbour(LimitKind):
    """A chain of neighbours is there (`present` true), or is not (false).

    `chain` names operators step by step, alternatives separated by "|". Going "before", a step is the producer of any
    input; going "after", any consumer of any output. "@input" is a value that comes from outside the graph, "@output"
    one that is an output of it, "@constant" a constant, "*" any node.
    """

    kind: ClassVar[str] = "neighbour"
    direction: Literal["before", "after"]
    chain: tuple[str, ...] = ()
    present: bool = True

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:
        yield "there" if self._reaches(node, graph, is_constant, 0) else "not there"

    def _reaches(self, node: Node, graph: GraphView, is_constant: IsConstant, step: int) -> bool:
        if step == len(self.chain):
            return True
        wanted = self.chain[step].split("|")
        before = self.direction == "before"
        for name in node.inputs if before else node.outputs:
            if not name:
                continue
            if _ends_at(name, graph, is_constant, wanted, before):
                return True
            producer = graph.producer(name)
            others = graph.consumers(name) if not before else () if producer is None else (producer,)
            for other in others:
                if (other.op in wanted or "*" in wanted) and self._reaches(other, graph, is_constant, step + 1):
                    return True
        return False

    def accepts(self, observed: Scalar) -> bool:
        return (observed == "there") == self.present

    @property
    def subject(self) -> str:
        steps = (_either(tuple(step.split("|"))) for step in self.chain)
        return " then ".join(steps) + f" directly {self.direction}"

    @property
    def requirement(self) -> str:
        return "there" if self.present else "not there"


def _ends_at(name: str, graph: GraphView, is_constant: IsConstant, wanted: list[str], before: bool) -> bool:
    """Whether `name` is one of the wanted ends of a chain: outside the graph, an output of it, a constant."""
    if before:
        constant = is_constant(name)
        return ("@constant" in wanted and constant) or (
            "@input" in wanted and not constant and graph.producer(name) is None
        )
    return "@output" in wanted and name in graph.outputs


def _listed(observed: Scalar, allowed: tuple[Scalar, ...], refused: tuple[Scalar, ...]) -> bool:
    return observed in allowed if allowed else observed not in refused


def _choice(allowed: tuple[Scalar, ...], refused: tuple[Scalar, ...]) -> str:
    return _either(allowed) if allowed else f"other than {_either(refused)}"


def _within(observed: Scalar, low: float | None, high: float | None) -> bool:
    if isinstance(observed, str):
        return False
    return (low is None or observed >= low) and (high is None or observed <= high)


def _interval(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at most {high}"
    if high is None:
        return f"at least {low}"
    return f"{low}" if low == high else f"{low} to {high}"


def _either(words: tuple[Scalar, ...]) -> str:
    texts = [str(w) for w in words]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"


KINDS: dict[str, type[LimitKind]] = {
    kind.kind: kind
    for kind in (
        Dtype,
        Rank,
        DimensionRange,
        Batch,
        StaticShape,
        ConstantInput,
        Presence,
        AttributeIn,
        AttributeRange,
        AttributePresence,
        Neighbour,
    )
}
"""Kind by its name in the table. Nothing else is a limit."""
