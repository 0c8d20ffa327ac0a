"""Patterns of a few operators, written as they would be read, and matched backwards from a value.

    erf_gelu = pattern("Mul(Mul(x, Add(Erf(Div(x, #root)), #one)), #half)")
    found = match(graph, "y", erf_gelu)

A small name binds a value and must be the same one wherever it stands again; `#name` binds a scalar constant (one
element, any rank) and gives its number; `_` is any value; `A|B(…)` is either operator; `node=Op(…)` binds the node,
too. Operators are those of the standard domain. A pattern of n inputs fits a node whose further inputs are absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import cache, cached_property
from itertools import permutations

from rkgraph.graph.view import GraphView, Node
from rkgraph.records import Record

__all__ = ["Match", "Miss", "Op", "Pattern", "Scalar", "Wildcard", "match", "match_any", "pattern", "scalar"]

COMMUTATIVE = frozenset({"Add", "Mul", "And", "Or", "Xor", "Equal"})

_TOKEN = re.compile(r"\s*(#?[A-Za-z_][A-Za-z_0-9]*|[(),=|])")


class Wildcard(Record):
    """Any value; bound to `name` unless that is "_"."""

    name: str


class Scalar(Record):
    """A constant of one element; its number is bound to `name`."""

    name: str


class Op(Record):
    """The output 0 of a node: one of `ops`, on `inputs`; the node is bound to `name` where that is not empty."""

    ops: tuple[str, ...]
    inputs: tuple[Pattern, ...]
    name: str = ""

    @cached_property
    def needed(self) -> tuple[frozenset[str], ...]:
        """For each operator of the pattern, those of which one has to be in a graph."""
        inner = (one.needed for one in self.inputs if isinstance(one, Op))
        return (frozenset(self.ops), *(ops for needed in inner for ops in needed))


Pattern = Wildcard | Scalar | Op


class Match(Record):
    """What a pattern bound: values by name, numbers of constants, named nodes, and all nodes it went through."""

    values: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)
    named: Mapping[str, Node] = field(default_factory=dict)
    nodes: tuple[Node, ...] = ()


class Miss(Record):
    """Why a pattern does not fit, and how many nodes did fit before (the larger, the nearer)."""

    reason: str
    depth: int


def match(graph: GraphView, name: str, wanted: Pattern, *, ordered: bool = False) -> Match | Miss:
    """Match `wanted` against the value `name`; `ordered` forbids swapping the inputs of commutative operators."""
    needed = wanted.needed if isinstance(wanted, Op) else ()
    absent = next((ops for ops in needed if graph.ops.isdisjoint(ops)), None)
    if absent is not None:  # most patterns end here in most models, and large models have many values
        return Miss(f"nothing here is {' or '.join(sorted(absent))}", 0)
    search = _Search(graph, ordered)
    found = next(search.of(wanted, name, Match()), None)
    return search.nearest if found is None else found


def match_any(graph: GraphView, name: str, wanted: tuple[Pattern, ...], *, ordered: bool = False) -> Match | Miss:
    """The first match among several patterns, or the nearest miss."""
    nearest = Miss("no pattern", -1)
    for one in wanted:
        found = match(graph, name, one, ordered=ordered)
        if isinstance(found, Match):
            return found
        nearest = max(nearest, found, key=lambda miss: miss.depth)
    return nearest


def scalar(graph: GraphView, name: str) -> float | None:
    """The number of a constant of one element (bool: 0 or 1), None for all else."""
    constant = graph.constant(name)
    if constant is None or len(constant.values) != 1 or isinstance(constant.values[0], str):
        return None
    return float(constant.values[0])


class _Search:
    """One search; remembers the nearest miss."""

    def __init__(self, graph: GraphView, ordered: bool) -> None:
        self.graph = graph
        self.ordered = ordered
        self.nearest = Miss("nothing fits", -1)

    def of(self, wanted: Pattern, name: str, so_far: Match) -> Iterator[Match]:
        """All ways in which `name` fits, given what is bound already."""
        if isinstance(wanted, Wildcard):
            yield from self._value(wanted, name, so_far)
        elif isinstance(wanted, Scalar):
            yield from self._number(wanted, name, so_far)
        else:
            yield from self._node(wanted, name, so_far)

    def _value(self, wanted: Wildcard, name: str, so_far: Match) -> Iterator[Match]:
        bound = so_far.values.get(wanted.name, name)
        if bound != name:
            self._miss(f"{wanted.name} is {bound} in one place and {name} in another", so_far)
        elif wanted.name == "_":
            yield so_far
        else:
            values = {**so_far.values, wanted.name: name}
            yield Match(values, so_far.numbers, so_far.named, so_far.nodes)

    def _number(self, wanted: Scalar, name: str, so_far: Match) -> Iterator[Match]:
        number = scalar(self.graph, name)
        if number is None:
            self._miss(f"{name} is not a constant of one element", so_far)
        else:
            numbers = {**so_far.numbers, wanted.name: number}
            yield Match(so_far.values, numbers, so_far.named, so_far.nodes)

    def _node(self, wanted: Op, name: str, so_far: Match) -> Iterator[Match]:
        node = self.graph.producer(name)
        if node is None or node.op not in wanted.ops or node.domain not in ("", "ai.onnx") or node.outputs[0] != name:
            what = "no node" if node is None else node.label
            self._miss(f"{name} comes from {what}, not from {' or '.join(wanted.ops)}", so_far)
            return
        inputs = _trimmed(node.inputs)
        if len(inputs) != len(wanted.inputs):
            self._miss(f"{node.label} has {len(inputs)} inputs, not {len(wanted.inputs)}", so_far)
            return
        named = {**so_far.named, wanted.name: node} if wanted.name else so_far.named
        here = Match(so_far.values, so_far.numbers, named, (*so_far.nodes, node))
        swap = node.op in COMMUTATIVE and not self.ordered
        for order in permutations(inputs) if swap else (inputs,):
            yield from self._inputs(wanted.inputs, tuple(order), here)

    def _inputs(self, wanted: tuple[Pattern, ...], names: tuple[str, ...], so_far: Match) -> Iterator[Match]:
        if not wanted:
            yield so_far
            return
        for found in self.of(wanted[0], names[0], so_far):
            yield from self._inputs(wanted[1:], names[1:], found)

    def _miss(self, reason: str, so_far: Match) -> None:
        if len(so_far.nodes) > self.nearest.depth:
            self.nearest = Miss(reason, len(so_far.nodes))


def _trimmed(inputs: tuple[str, ...]) -> tuple[str, ...]:
    while inputs and not inputs[-1]:
        inputs = inputs[:-1]
    return inputs


@cache
def pattern(text: str) -> Pattern:
    """Parse a pattern. Raises ValueError where the text is none."""
    reader = _Reader(text)
    parsed = reader.pattern()
    if reader.token:
        raise reader.error("the end")
    return parsed


class _Reader:
    """Takes the tokens of a pattern one after the other; `token` is the next one, "" at the end."""

    def __init__(self, text: str) -> None:
        self._text = text
        tokens = _TOKEN.findall(text)
        self._tokens = iter((*tokens, ""))
        self.token = ""
        if "".join(tokens) != "".join(text.split()):
            raise self.error("names, '#', '(', ')', ',', '=' and '|'")
        self._next()

    def pattern(self) -> Pattern:
        head, name = self._name(), ""
        if head.startswith("#"):
            return Scalar(head[1:])
        if self._takes("="):
            name, head = head, self._name()
        if not head[0].isupper():
            return Wildcard(head)
        ops = [head]
        while self._takes("|"):
            ops.append(self._name())
        if not self._takes("("):
            raise self.error("'('")
        inputs = [self.pattern()]
        while self._takes(","):
            inputs.append(self.pattern())
        if not self._takes(")"):
            raise self.error("',' or ')'")
        return Op(tuple(ops), tuple(inputs), name)

    def error(self, expected: str) -> ValueError:
        return ValueError(f"{self._text!r} is no pattern: {expected} expected at {self.token or 'the end'!r}")

    def _name(self) -> str:
        name = self.token
        if not name or name in "(),=|":
            raise self.error("a name")
        self._next()
        return name

    def _takes(self, token: str) -> bool:
        if self.token != token:
            return False
        self._next()
        return True

    def _next(self) -> None:
        self.token = next(self._tokens)
