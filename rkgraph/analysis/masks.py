"""Mask arithmetic on whole numbers and truth values, said again in floats.

A mask chain starts at whole numbers (an attention mask, token ids) and ends in floats that are added to scores. In
between exporters put bool and int64 operators, which run on the CPU. `FloatMask` restates such a chain as a `Term`, an
expression of float operators that has the same numbers *for every whole number* that the chain may start from:

    true and false       1 and 0
    x as bool            min(|x|, 1)          x is whole, so that nothing lies between 0 and 1
    x == c               1 − min(|x − c|, 1)
    x > c, x < c         min(max(x − c, 0), 1), min(max(c − x, 0), 1)
    not a, a and b       1 − a, a · b
    a or b               min(a + b, 1)
    where(a, F, 0)       a · F                 F finite
    where(x ≠ 0, F, x)   min(|x|, 1) · F       the other choice is x where x is 0

Rounding of large whole numbers to float is harmless: it leaves them whole, and zero only where they are zero (|c| is
limited to 2²³). Whole-number sums may wrap around; this makes no new zeros, but turns signs, so that a wrapped x
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rkgraph.graph.rewrite import Tape
from rkgraph.graph.view import Constant, GraphView, Node

__all__ = ["FloatMask", "NotAMask", "Term", "emit", "is_discrete"]

LARGEST_BOUND = 2**23  # whole numbers up to here, and differences with them, are exact in float32
LONGEST_CHAIN = 64  # operators; masks of real models have about ten
BOOL, FLOAT32 = 9, 1  # onnx.TensorProto.DataType
FLOATS = {1, 10, 11, 16}
SOURCES = frozenset({"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"})
COMPARISONS = frozenset({"Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual"})


class NotAMask(Exception):
    """A value that is no mask chain; the reason is its text."""


@dataclass(frozen=True, eq=False)
class Term:
    """A float expression: a node of operator `op` on terms, numbers and value names.

    `shape` after broadcasting; `unit`: every element is 0 or 1; `whole`: every element is a whole number; `wraps`: the
    whole number may have wrapped around in the chain (its float has not).
    """

    op: str
    inputs: tuple[Term | float | str | Constant, ...]
    shape: tuple[int, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    unit: bool = False
    whole: bool = False
    wraps: bool = False


def is_discrete(dtype: str | None) -> bool:
    """Whether a dtype is bool or a whole number."""
    return dtype in SOURCES


class FloatMask:
    """Restates values of one graph. `is_fixed` says which values are known before lowering (they fold).

    `nodes` collects, by index, the nodes of the graph that the restated values go through.
    """

    def __init__(self, graph: GraphView, is_fixed: Callable[[str], bool]) -> None:
        self.graph = graph
        self.is_fixed = is_fixed
        self.nodes: dict[int, Node] = {}
        self._terms: dict[str, Term] = {}
        self._depth = 0

    def term(self, name: str) -> Term:
        """The term with the numbers of the value `name`.

        Raises:
            NotAMask: the value depends on floats of the model, on an operator that is not restated here, or on more
                operators in a row than `LONGEST_CHAIN`.
        """
        if name not in self._terms:
            if self._depth == LONGEST_CHAIN:
                raise NotAMask(f"{name} lies behind more than {LONGEST_CHAIN} operators")
            self._depth += 1
            try:
                self._terms[name] = self._restate(name)
            finally:
                self._depth -= 1
        return self._terms[name]

    def _restate(self, name: str) -> Term:
        node = self.graph.producer(name)
        if self.is_fixed(name):
            return self._fixed(name)
        handler = None if node is None or node.domain not in ("", "ai.onnx") else _HANDLERS.get(node.op)
        if node is None or handler is None:
            return self._source(name)
        term = handler(self, node)
        self.nodes[node.index] = node
        return term

    def _fixed(self, name: str) -> Term:
        constant = self.graph.constant(name)
        dtype, shape = self._known(name)
        unit, whole = dtype == "bool", is_discrete(dtype)
        if constant is not None:
            whole = all(not isinstance(v, str) and math.isfinite(v) and float(v).is_integer() for v in constant.values)
            unit = whole and all(v in (0, 1) for v in constant.values)
        return Term("Cast", (name,), shape, {"to": FLOAT32}, unit=unit, whole=whole)

    def _source(self, name: str) -> Term:
        dtype, shape = self._known(name)
        if not is_discrete(dtype):
            raise NotAMask(f"{name} is {dtype}, computed by the model")
        return Term("Cast", (name,), shape, {"to": FLOAT32}, unit=dtype == "bool", whole=True)

    def _known(self, name: str) -> tuple[str, tuple[int, ...]]:
        value = self.graph.value(name)
        shape = tuple(size for size in value.shape or () if isinstance(size, int))
        if value.dtype is None or value.shape is None or len(shape) < len(value.shape):
            raise NotAMask(f"{name} has no known dtype or no static shape")
        return value.dtype, shape

    def number(self, name: str) -> float | None:
        """The number of a constant of one element."""
        constant = self.graph.constant(name)
        if constant is None or len(constant.values) != 1 or isinstance(constant.values[0], str):
            return None
        return float(constant.values[0])

    def cast(self, node: Node) -> Term:
        """Cast: to bool by ≠ 0; to floats and wider whole numbers without a change."""
        source, to = node.inputs[0], node.attributes["to"]
        dtype, _ = self._known(source)
        term = self.term(source)
        if to == BOOL:
            return nonzero(term)
        result, _ = self._known(node.outputs[0])
        if to in FLOATS or term.unit or result == dtype or _widens(dtype, result):
            return term
        raise NotAMask(f"{node.label} casts {dtype} to {result}, which may wrap around")

    def compare(self, node: Node) -> Term:
        """Comparison of whole numbers with one constant."""
        left, right = node.inputs
        bound = self.number(right)
        flip = bound is None
        if bound is None:
            left, bound = right, self.number(left)
        if bound is None or not float(bound).is_integer() or abs(bound) > LARGEST_BOUND:
            raise NotAMask(f"{node.label} compares with something else than a small whole constant")
        term = self.term(left)
        if not term.whole or (term.wraps and node.op != "Equal"):
            raise NotAMask(f"{node.label} compares what is not known to be whole, or may have wrapped around")
        above = {"Greater": 1, "GreaterOrEqual": 1, "Less": -1, "LessOrEqual": -1}.get(node.op, 0) * (-1 if flip else 1)
        if above == 0:
            return negation(nonzero(_call("Sub", term, bound, whole=True)))
        edge = bound - above if node.op.endswith("OrEqual") else bound
        distance = _call("Sub", term, edge, whole=True) if above > 0 else _call("Sub", edge, term, whole=True)
        return _clip(distance)

    def logic(self, node: Node) -> Term:
        """Not, And, Or."""
        terms = [self.term(name) for name in node.inputs]
        if node.op == "Not":
            return negation(terms[0])
        a, b = terms
        return _call("Mul", a, b, unit=True, whole=True) if node.op == "And" else _clip(_call("Add", a, b, whole=True))

    def where(self, node: Node) -> Term:
        """Where between two numbers of which one is 0, or between a fill and what is 0 anyway."""
        condition, yes, no = node.inputs
        chosen = self.term(condition)
        fill, other = self.number(yes), self.number(no)
        if fill == 0.0 and other is not None:
            chosen, fill, other = negation(chosen), other, 0.0
        if fill is None or not math.isfinite(fill):
            raise NotAMask(f"{node.label} chooses between values that are not zero and a finite constant")
        if other != 0.0 and not self._is_zero_unless(condition, no):
            raise NotAMask(f"{node.label} chooses a value that is not known to be zero there")
        return _call("Mul", chosen, fill, whole=float(fill).is_integer())

    def _is_zero_unless(self, condition: str, name: str) -> bool:
        """Whether `condition` is `name` cast to bool, so that `name` is 0 wherever the condition is false."""
        node = self.graph.producer(condition)
        while node is not None and node.op == "Cast" and node.attributes["to"] == BOOL:
            if node.inputs[0] == name:
                return self.term(name).whole
            node = self.graph.producer(node.inputs[0])
        return False

    def arithmetic(self, node: Node) -> Term:
        """Add, Sub, Mul: the same in floats; whole-number products may wrap to zero and are left alone."""
        a, b = (self.number(name) if self.graph.constant(name) else None for name in node.inputs)
        left = self.term(node.inputs[0]) if a is None else a
        right = self.term(node.inputs[1]) if b is None else b
        parts = [part for part in (left, right) if isinstance(part, Term)]
        discrete = is_discrete(self.graph.value(node.outputs[0]).dtype)
        if discrete and node.op == "Mul" and not all(part.unit for part in parts):
            raise NotAMask(f"{node.label} multiplies whole numbers, which may wrap around to zero")
        numbers = [part for part in (left, right) if not isinstance(part, Term)]
        whole = all(part.whole for part in parts) and all(float(n).is_integer() for n in numbers)
        if node.op == "Sub" and left == 1.0 and isinstance(right, Term) and right.unit:
            return negation(right)
        return _call(node.op, left, right, whole=whole, wraps=discrete and not all(part.unit for part in parts))

    def move(self, node: Node) -> Term:
        """Operators that move elements about; their other inputs must be fixed."""
        source, *settings = node.inputs
        if not all(self.is_fixed(name) for name in settings if name):
            raise NotAMask(f"{node.label} is steered by data")
        _, before = self._known(source)
        _, after = self._known(node.outputs[0])
        term = self.term(source)
        if node.op == "Expand":
            return (
                term
                if len(term.shape) == len(after)
                else _reshape(term, (*(1,) * (len(after) - len(term.shape)), *term.shape))
            )
        if term.shape != before:
            if node.op != "Unsqueeze":
                raise NotAMask(f"{node.label} rearranges what was expanded before")
            return self._unsqueeze(term, node, len(after))
        if node.op in ("Unsqueeze", "Squeeze", "Reshape"):
            return replace(
                term, op="Reshape", inputs=(term, Constant("int64", (len(after),), after)), attributes={}, shape=after
            )
        return replace(term, op=node.op, inputs=(term, *settings), attributes=node.attributes, shape=after)

    def _unsqueeze(self, term: Term, node: Node, rank: int) -> Term:
        axes = node.attributes.get("axes")
        if axes is None:
            constant = self.graph.constant(node.inputs[1])
            axes = constant.values if constant is not None else ()
        if not isinstance(axes, tuple) or len(axes) + len(term.shape) != rank:
            raise NotAMask(f"{node.label} has axes that are not known, or do not fit")
        places = {axis % rank for axis in axes}
        sizes = iter(term.shape)
        shape = tuple(1 if place in places else next(sizes) for place in range(rank))
        return _reshape(term, shape)


_HANDLERS: Mapping[str, Callable[[FloatMask, Node], Term]] = {
    "Cast": FloatMask.cast,
    **dict.fromkeys(COMPARISONS, FloatMask.compare),
    **dict.fromkeys(("Not", "And", "Or"), FloatMask.logic),
    "Where": FloatMask.where,
    **dict.fromkeys(("Add", "Sub", "Mul"), FloatMask.arithmetic),
    **dict.fromkeys(("Expand", "Unsqueeze", "Squeeze", "Reshape", "Slice", "Transpose", "Identity"), FloatMask.move),
}


def emit(term: Term, tape: Tape, done: dict[int, str] | None = None) -> str:
    """Record the term on the tape, each part once; the name of its value is returned."""
    done = {} if done is None else done
    if id(term) not in done:
        inputs = []
        for part in term.inputs:
            if isinstance(part, Term):
                inputs.append(emit(part, tape, done))
            elif isinstance(part, Constant):
                inputs.append(tape.constant(part.values, part.dtype, "shape"))
            else:
                inputs.append(part if isinstance(part, str) else tape.constant(part, "float32"))
        done[id(term)] = tape.op(term.op, *inputs, **term.attributes)
    return done[id(term)]


def nonzero(term: Term) -> Term:
    """1 where the whole number is not 0."""
    if term.unit:
        return term
    if not term.whole:
        raise NotAMask("numbers that may be no whole numbers are tested for zero")
    return _clip(_call("Abs", term, whole=True))


def negation(term: Term) -> Term:
    """1 − term; of a negation, what was negated."""
    if term.op == "Sub" and term.inputs[0] == 1.0 and isinstance(term.inputs[1], Term) and term.inputs[1].unit:
        return term.inputs[1]
    return _call("Sub", 1.0, term, unit=True, whole=True)


def _clip(term: Term) -> Term:
    return _call("Clip", term, 0.0, 1.0, unit=True, whole=True)


def _reshape(term: Term, shape: tuple[int, ...]) -> Term:
    to = Constant("int64", (len(shape),), shape)
    return replace(term, op="Reshape", inputs=(term, to), attributes={}, shape=shape)


def _call(op: str, *inputs: Term | float, unit: bool = False, whole: bool = False, wraps: bool = False) -> Term:
    shape: tuple[int, ...] = ()
    for part in inputs:
        shape = _broadcast(shape, part.shape) if isinstance(part, Term) else shape
    return Term(op, inputs, shape, unit=unit, whole=whole, wraps=wraps)


def _broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    rank = max(len(a), len(b))
    pairs = zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True)
    return tuple(q if p == 1 else p for p, q in pairs)


def _widens(dtype: str, result: str) -> bool:
    """Whether a whole-number dtype holds all numbers of another one."""
    if not (is_discrete(dtype) and is_discrete(result)) or dtype == "bool":
        return is_discrete(dtype) and is_discrete(result)
    bits, wider = (int(name.removeprefix("u").removeprefix("int")) for name in (dtype, result))
    unsigned, to_unsigned = dtype.startswith("u"), result.startswith("u")
    return wider > bits and (unsigned or not to_unsigned) if unsigned != to_unsigned else wider >= bits
