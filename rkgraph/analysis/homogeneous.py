"""Parts of a graph that compute the same with their numbers multiplied by powers of two, and divided again behind.

A node is homogeneous where f(2^k x) = 2^(dk) f(x): sums and moves of degree 1, products and squares of degree 2, roots
of 1/2, and norms of 0. Multiplying by a power of two is exact in every binary floating point format, and rounding
commutes with it: a region of such nodes gives the same numbers bit for bit, as long as nothing in it leaves the range
of the format. That is the point: in fp16 something does, and scaled it does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction

from rkgraph.analysis.schemas import STANDARD
from rkgraph.fp16 import FP16_MAX
from rkgraph.graph.view import GraphView, Node
from rkgraph.records import Record

__all__ = ["NORMS", "NotHomogeneous", "Region", "Step", "region_behind"]

SUMS = frozenset({"Add", "Clip", "Concat", "Max", "Mean", "Min", "Sub", "Sum", "Where"})
"""Of degree 1 where all operands are scaled alike, constants too: bounds of Clip are operands."""

PRODUCTS = frozenset({"Conv", "Gemm", "MatMul", "Mul"})
NORMS = frozenset({"InstanceNormalization", "LayerNormalization", "LpNormalization"})
"""Of degree 0, where the epsilon is multiplied by the square of the factor."""

LINEAR = frozenset({
    "Abs", "AveragePool", "Expand", "Flatten", "Gather", "GlobalAveragePool", "GlobalMaxPool", "Identity", "LeakyRelu",
    "MaxPool", "Neg", "PRelu", "ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum", "Relu",
    "Reshape", "Slice", "Squeeze", "Tile", "Transpose", "Unsqueeze",
})  # fmt: skip

SQUARED = frozenset({"ReduceL2"})
"""Of which the square is stored on the way to the result."""

LOGARITHMS = frozenset({"Log", "ReduceLogSum"})

TOP = 12
"""The largest number of a region ends below 2^12: sixteen times as much still fits into fp16."""

BOTTOM = 0
"""What vanished is brought to 2^0 at least: numbers 16,000 times smaller beside it still keep all digits."""

FITS = (-14, 15)
"""Exponents between which fp16 is normal."""


class NotHomogeneous(ValueError):
    """The region cannot be scaled; the text says where it ends and why."""


class Step(Record):
    """A node of a region: the exponents of two by which each input is multiplied, and that of its result.

    A result of exponent 0 that is not that of the node alone (a logarithm) has an `offset` to be added, a multiple of
    ln 2.
    """

    node: Node
    inputs: tuple[int, ...]
    result: int
    offset: int = 0


class Region(Record):
    """Steps in file order; `exponents` of all their results; `restored` are those that something else reads."""

    steps: tuple[Step, ...]
    exponents: Mapping[str, int]
    restored: tuple[str, ...]


def region_behind(graph: GraphView, start: Node, largest: Callable[[str], float], *, overflow: bool) -> Region:
    """The region from `start`, whose result fp16 does not hold, to where results fit again.

    Args:
        graph: the main graph.
        start: a node whose inputs fp16 holds.
        largest: the largest magnitude that a value takes, as far as it is known; NaN where it is not.
        overflow: the result is too large; else it is too small.

    Raises:
        NotHomogeneous: something that is read by a node of another kind, or handed out, does not fit.
    """
    try:
        return _Growth(graph, largest, overflow=overflow, absorbing=True).region(start)
    except _Unfit:
        return _Growth(graph, largest, overflow=overflow, absorbing=False).region(start)


class _Unfit(Exception):
    """A constant that took up the factor would leave fp16 itself."""


class _Draft(Record):
    """A step before the factor is known: degrees for exponents."""

    node: Node
    inputs: tuple[Fraction, ...]
    result: Fraction
    offset: Fraction = Fraction(0)


class _Growth:
    def __init__(self, graph: GraphView, largest: Callable[[str], float], *, overflow: bool, absorbing: bool) -> None:
        self.graph, self.largest, self.overflow, self.absorbing = graph, largest, overflow, absorbing
        self.degrees: dict[str, Fraction] = {}
        self.ill: set[str] = set()  # results that fp16 does not hold
        self.needy: list[Node] = []  # nodes of such results, or that compute them on the way
        self.drafts: list[_Draft] = []

    def region(self, start: Node) -> Region:
        """Grow from `start`, then choose the factor."""
        self._take(start, dict.fromkeys(self._entries(start), Fraction(1)), known_ill=True)
        for node in self.graph.nodes[start.index + 1 :]:
            inside = {i: self.degrees[name] for i, name in enumerate(node.inputs) if name in self.degrees}
            if any(node.inputs[i] in self.ill for i in inside):
                self._take(node, inside)
        scale = self._scale()
        steps = tuple(_step(draft, scale) for draft in self.drafts)
        exponents = {step.node.outputs[0]: step.result for step in steps}
        self._check(steps, exponents)
        inner = {step.node.index for step in steps}
        restored = tuple(name for name in exponents if self._is_read_outside(name, inner))
        return Region(steps, exponents, restored)

    def _entries(self, node: Node) -> tuple[int, ...]:
        """The inputs of the first node that are scaled: all terms of a sum, one factor of a product."""
        if node.op in SUMS:
            return _terms(node)
        if node.op in PRODUCTS:
            if node.inputs[0] == node.inputs[1]:
                return (0, 1)
            return (1,) if self.graph.is_constant(node.inputs[1]) else (0,)
        return (0,)

    def _take(self, node: Node, inside: Mapping[int, Fraction], *, known_ill: bool = False) -> None:
        """Make the node a step of the region."""
        out = node.outputs[0]
        if node.domain not in STANDARD or any(node.outputs[1:]) or node.subgraphs:
            raise NotHomogeneous(f"{node.label} ({node.op}) reads what fp16 does not hold")
        needy = known_ill or self._is_ill(node, _power(node))
        ill = self._is_ill(node) if _power(node) > 1 else needy
        draft = self._absorbed(node, inside) if self.absorbing and not needy else None
        draft = draft or self._homogeneous(node, inside)
        if ill and out in self.graph.outputs:
            raise NotHomogeneous(f"{out} is an output, which fp16 does not hold")
        if needy and draft.result <= 0:
            raise NotHomogeneous(f"{out} does not follow the factor of what it is made of")
        self.drafts.append(draft)
        self.degrees[out] = draft.result
        if needy:
            self.needy.append(node)
        if ill:
            self.ill.add(out)

    def _is_ill(self, node: Node, power: int = 1) -> bool:
        most = self.largest(node.outputs[0]) ** power
        if self.overflow:
            return not most <= FP16_MAX
        return 0 < most < 2.0 ** FITS[0]

    def _absorbed(self, node: Node, inside: Mapping[int, Fraction]) -> _Draft | None:
        """The node with a constant factor that takes the scale back, where it has one."""
        if node.op not in (*PRODUCTS, "Div") or len(inside) != 1 or max(inside) > 1:
            return None
        (place, degree), other = next(iter(inside.items())), 1 - next(iter(inside))
        if not self.graph.is_constant(node.inputs[other]) or (node.op == "Div" and place == 1):
            return None
        inputs = [Fraction(0)] * len(node.inputs)
        inputs[place], inputs[other] = degree, degree if node.op == "Div" else -degree
        return _Draft(node, tuple(inputs), Fraction(0))

    def _homogeneous(self, node: Node, inside: Mapping[int, Fraction]) -> _Draft:
        """The node as a function of what is scaled: the degrees that all its inputs need, and that of its result."""
        inputs = [inside.get(place, Fraction(0)) for place in range(len(node.inputs))]
        first, op = inputs[0], node.op
        if op in SUMS:
            places = _terms(node)
            found = {inside[place] for place in places if place in inside}
            if len(found) == 1 and set(inside) <= set(places):
                degree = next(iter(found))
                return _Draft(node, tuple(degree if i in places else Fraction(0) for i in range(len(inputs))), degree)
        elif op in PRODUCTS and max(inside) < 2:  # the third input is a bias
            degree = sum(inputs[:2], Fraction(0))
            return _Draft(node, (*inputs[:2], *[degree] * len(inputs[2:])), degree)
        elif op == "Div":
            return _Draft(node, tuple(inputs), inputs[0] - inputs[1])
        elif set(inside) == {0}:
            result, offset = self._of_one(node, first)
            if result is not None:
                return _Draft(node, tuple(inputs), result, offset)
        raise NotHomogeneous(f"{node.label} ({op}) reads what fp16 does not hold, and is not the same scaled")

    def _of_one(self, node: Node, degree: Fraction) -> tuple[Fraction | None, Fraction]:
        """The degree of the result of a node of one operand, None where it has none; and what is to be added."""
        none = Fraction(0)
        if node.op in LINEAR:
            return degree, none
        if node.op in NORMS:
            return none, none
        if node.op in LOGARITHMS:
            return none, degree
        powers = {"Sqrt": Fraction(1, 2), "Reciprocal": Fraction(-1), "ReduceSumSquare": Fraction(2)}
        if node.op in powers:
            return degree * powers[node.op], none
        if node.op == "Pow":
            constant = self.graph.constant(node.inputs[1])
            power = _fraction(float(constant.values[0])) if constant and len(constant.values) == 1 else None
            if power is not None:
                return degree * power, none
        return None, none

    def _scale(self) -> int:
        """The exponent by which the first inputs are multiplied: as little as brings all into the range."""
        needed = []
        for node in self.needy:
            name, power = node.outputs[0], _power(node)
            most = self.largest(name)
            if not math.isfinite(most) or most <= 0:
                raise NotHomogeneous(f"how large {name} becomes is not known")
            reached = power * math.log2(most)
            gap = reached - TOP if self.overflow else BOTTOM - reached
            needed.append(math.ceil(gap / (power * self.degrees[name])))
        whole = math.lcm(*(d.denominator for draft in self.drafts for d in (*draft.inputs, draft.result, draft.offset)))
        size = whole * max(1, math.ceil(max(needed) / whole))
        return -size if self.overflow else size

    def _check(self, steps: tuple[Step, ...], exponents: Mapping[str, int]) -> None:
        """Scaled, everything has to fit that is known; a constant that takes the factor back as well."""
        low, high = FITS
        for step in steps:
            for name, exponent in zip(step.node.inputs, step.inputs, strict=True):
                constant = self.graph.constant(name) if exponent else None
                numbers = [abs(float(v)) for v in constant.values] if constant and constant.dtype != "string" else []
                most = max(numbers, default=0.0) if constant else self.largest(name)
                if exponent == 0 or name in exponents or not 0 < most < math.inf:
                    continue
                reached = math.log2(most) + exponent
                if reached > high or (reached < low and not _is_term(step.node, name)):
                    if step.result == 0 and constant is not None:
                        raise _Unfit
                    raise NotHomogeneous(f"{name}, scaled by 2^{exponent}, would leave fp16 itself")
        for name, exponent in exponents.items():
            most = self.largest(name)
            if 0 < most < math.inf and math.log2(most) + exponent > high:
                raise NotHomogeneous(f"{name}, scaled by 2^{exponent}, would leave fp16 itself")

    def _is_read_outside(self, name: str, inner: set[int]) -> bool:
        graph = self.graph
        outside = any(reader.index not in inner for reader in graph.consumers(name))
        return outside or name in graph.outputs or name in graph.captured


def _terms(node: Node) -> tuple[int, ...]:
    """The operands of one of `SUMS` that are there."""
    first = 1 if node.op == "Where" else 0
    return tuple(place for place in range(first, len(node.inputs)) if node.inputs[place])


def _fraction(exponent: float) -> Fraction | None:
    """The exponent of a Pow as a fraction of small terms; None where it is none, for a power of two stays none then."""
    near = Fraction(exponent).limit_denominator(8) if math.isfinite(exponent) else Fraction(0)
    return near if abs(float(near) - exponent) <= 2.0**-23 * abs(exponent) else None


def _power(node: Node) -> int:
    """Of the result, the largest power that is stored."""
    return 2 if node.op in SQUARED else 1


def _is_term(node: Node, name: str) -> bool:
    """Whether an input may vanish: as a term of a sum, it then counts for nothing beside the others.

    The least of what Clip lets through becomes 0, too, which is another matter before a logarithm (RK231).
    """
    return node.op in ("Add", "Max", "Sub", "Sum") or (node.op == "Clip" and name == node.inputs[1])


def _step(draft: _Draft, scale: int) -> Step:
    inputs = tuple(int(degree * scale) for degree in draft.inputs)
    return Step(draft.node, inputs, int(draft.result * scale), int(draft.offset * scale))
