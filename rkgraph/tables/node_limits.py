"""Limits on a node's attributes and on its neighbours."""

# ruff: noqa: D102 -- the methods of the kinds are documented once, in LimitKind

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from rkgraph.tables.limit import IsConstant, LimitKind, Scalar, choice, either, interval, listed, within

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

__all__ = [
    "AttributeIn",
    "AttributeMatches",
    "AttributePresence",
    "AttributeRange",
    "AttributeUniform",
    "BlankOutput",
    "Neighbour",
]


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
        return listed(observed, self.allowed, self.refused)

    @property
    def subject(self) -> str:
        return f"attribute `{self.attribute}`"

    @property
    def requirement(self) -> str:
        return choice(self.allowed, self.refused)


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
        return within(observed, self.low, self.high)

    @property
    def subject(self) -> str:
        return f"attribute `{self.attribute}`"

    @property
    def requirement(self) -> str:
        return interval(self.low, self.high)


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


class AttributeUniform(LimitKind):
    """All elements of an attribute are equal (`uniform` true: a square kernel), or are not."""

    kind: ClassVar[str] = "attribute-uniform"
    attribute: str
    uniform: bool = True

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        value = node.attributes.get(self.attribute)
        if isinstance(value, tuple) and value:
            yield "uniform" if len(set(value)) == 1 else "mixed"

    def accepts(self, observed: Scalar) -> bool:
        return (observed == "uniform") == self.uniform

    @property
    def subject(self) -> str:
        return f"attribute `{self.attribute}`"

    @property
    def requirement(self) -> str:
        return f"{'the same' if self.uniform else 'not the same'} along all dimensions"


class AttributeMatches(LimitKind):
    """A text attribute has a form (`matches` true), or does not: `pattern` is searched for in it, `form` is its name.

    For texts without a closed set of values, such as the equation of an Einsum.
    """

    kind: ClassVar[str] = "attribute-matches"
    attribute: str
    pattern: str
    form: str
    matches: bool = True

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        value = node.attributes.get(self.attribute)
        if isinstance(value, str):
            yield "it does" if re.search(self.pattern, value) else "it does not"

    def accepts(self, observed: Scalar) -> bool:
        return (observed == "it does") == self.matches

    @property
    def subject(self) -> str:
        return f"attribute `{self.attribute}`"

    @property
    def requirement(self) -> str:
        return f"{'one' if self.matches else 'none'} with {self.form}"


class BlankOutput(LimitKind):
    """No output is written with an empty name (`blank` false). Outputs that are not written at all do not count."""

    kind: ClassVar[str] = "blank-output"
    blank: bool = False

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:  # noqa: ARG002
        yield "an empty name" if "" in node.outputs else "all named"

    def accepts(self, observed: Scalar) -> bool:
        return (observed == "an empty name") == self.blank

    @property
    def subject(self) -> str:
        return "the outputs that are written"

    @property
    def requirement(self) -> str:
        return "written with an empty name" if self.blank else "all named"

    @property
    def condition(self) -> str:
        return "an output is written with an empty name" if self.blank else "all outputs that are written have names"


class Neighbour(LimitKind):
    """A chain of neighbours is there (`present` true), or is not (false).

    `chain` names operators step by step, alternatives separated by "|". Going "before", a step is the producer of any
    input; going "after", any consumer of any output. "@input" is a value that comes from outside the graph, "@output"
    one that is an output of it, "@constant" a constant, "*" any node. Going "after", "Mul#1" is a Mul that takes the
    value as its input 1: fusions look at the order of operands.
    """

    kind: ClassVar[str] = "neighbour"
    direction: Literal["before", "after"]
    chain: tuple[str, ...] = ()
    present: bool = True

    def observe(self, node: Node, graph: GraphView, is_constant: IsConstant) -> Iterator[Scalar]:
        yield "it does" if self._reaches(node, graph, is_constant, 0) else "it does not"

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
                if _is_meant(other, name, wanted) and self._reaches(other, graph, is_constant, step + 1):
                    return True
        return False

    def accepts(self, observed: Scalar) -> bool:
        return (observed == "it does") == self.present

    @property
    def subject(self) -> str:
        return "it"

    @property
    def requirement(self) -> str:
        return f"directly {self._verb} {self._steps}"

    @property
    def condition(self) -> str:
        return f"it directly {self._verb}s {self._steps}" if self.present else f"it does not {self.requirement}"

    def describe(self) -> str:
        return f"it must{'' if self.present else ' not'} {self.requirement}"

    @property
    def _verb(self) -> str:
        return "follow" if self.direction == "before" else "precede"

    @property
    def _steps(self) -> str:
        return ", then ".join(either(tuple(_worded(word) for word in step.split("|"))) for step in self.chain)


_ENDS = {
    "@input": "an input of the graph",
    "@output": "an output of the graph",
    "@constant": "a constant",
    "*": "any node",
}
"""Words for the ends of a chain of neighbours."""


def _worded(step: str) -> str:
    """A step of a chain in words."""
    op, _, place = step.partition("#")
    return f"{op} (as its input {place})" if place else _ENDS.get(step, step)


def _is_meant(node: Node, value: str, wanted: list[str]) -> bool:
    """Whether a node is one of the wanted operators, and takes the value where it should."""
    if "*" in wanted or node.op in wanted:
        return True
    return any(f"{node.op}#{place}" in wanted for place, name in enumerate(node.inputs) if name == value)


def _ends_at(name: str, graph: GraphView, is_constant: IsConstant, wanted: list[str], before: bool) -> bool:
    """Whether `name` is one of the wanted ends of a chain: outside the graph, an output of it, a constant."""
    if before:
        constant = is_constant(name)
        return ("@constant" in wanted and constant) or (
            "@input" in wanted and not constant and graph.producer(name) is None
        )
    return "@output" in wanted and name in graph.outputs
