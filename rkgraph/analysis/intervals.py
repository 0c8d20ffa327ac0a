"""Interval analysis: between which bounds the elements of a value must lie, whatever the inputs are.

Everything is derived from dtypes, small constants, operators and what is known of inputs (`known`); nothing is ever
sampled. What cannot be derived is as wide as its dtype. In particular an int64 attention mask is *not* known to be
0 or 1: only a bool dtype, a comparison, or the user can say so.

Bounds of floats are widened by the rounding of one operation (`_ROUNDING`, relative), so that they hold for the
computed value and not just for the exact one. Integers that could wrap around are as wide as their dtype.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace

from rkgraph.graph.view import Constant, GraphView, Node
from rkgraph.records import Record

__all__ = ["DTYPE_RANGES", "Interval", "Intervals", "interval_of", "of_dtype"]

DTYPE_RANGES: Mapping[str, tuple[int, int]] = {
    "bool": (0, 1),
    **{f"int{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)},
}

_ROUNDING = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}
_ROUNDS = frozenset({"Add", "Sub", "Mul", "Sqrt", "Cast"})
_LARGEST = {"float16": 65504.0, "bfloat16": 3.3895313892515355e38, "float32": 3.4028234663852886e38}

# TensorProto.DataType of the `to` of a Cast → numpy spelling (onnx.proto, enum DataType).
_CAST_TO = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64",
    9: "bool", 10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 16: "bfloat16",
}  # fmt: skip


class Interval(Record):
    """low ≤ every element ≤ high; whole numbers only if `integer`; `nan` if elements may be NaN."""

    low: float
    high: float
    integer: bool = False
    nan: bool = False

    def within(self, low: float, high: float, integer: bool = False) -> bool:
        """Whether every possible element lies in [low, high], is no NaN, and is whole if that is asked."""
        return not self.nan and low <= self.low and self.high <= high and (self.integer or not integer)

    def union(self, other: Interval) -> Interval:
        """The smallest interval that holds both."""
        return Interval(
            min(self.low, other.low),
            max(self.high, other.high),
            self.integer and other.integer,
            self.nan or other.nan,
        )


UNKNOWN = Interval(-math.inf, math.inf, integer=False, nan=True)


def of_dtype(dtype: str | None) -> Interval:
    """All that a dtype can hold."""
    if dtype is None or dtype not in DTYPE_RANGES:
        return UNKNOWN
    low, high = DTYPE_RANGES[dtype]
    return Interval(low, high, integer=True)


class Intervals:
    """The intervals of the values of one graph; what was found for one value serves the next.

    `known` holds intervals of values that are given from outside.
    """

    def __init__(self, graph: GraphView, known: Mapping[str, Interval] | None = None) -> None:
        self.graph = graph
        self._found: dict[str, Interval] = dict(known or {})

    def of(self, name: str) -> Interval:
        """The interval of the value `name`."""
        for node in _cone(self.graph, name, self._found):
            for output in node.outputs:
                if output and output not in self._found:
                    self._found[output] = _of_node(self.graph, node, output, self._found)
        return _look_up(self.graph, name, self._found)


def interval_of(graph: GraphView, name: str, known: Mapping[str, Interval] | None = None) -> Interval:
    """The interval of the value `name` of `graph`; `known` holds intervals of values that are given from outside."""
    return Intervals(graph, known).of(name)


def _cone(graph: GraphView, name: str, stop: Container[str]) -> list[Node]:
    """The nodes that `name` depends on through operators that we know, producers first."""
    waiting, nodes = [name], dict[int, Node]()
    while waiting:
        value = waiting.pop()
        node = None if value in stop else graph.producer(value)
        if node is not None and node.index not in nodes and node.domain in ("", "ai.onnx") and node.op in _OPERATORS:
            nodes[node.index] = node
            waiting.extend(i for i in node.inputs if i)
    return [nodes[index] for index in sorted(nodes)]


def _look_up(graph: GraphView, name: str, found: Mapping[str, Interval]) -> Interval:
    if name in found:
        return found[name]
    constant = graph.constant(name)
    if constant is not None:
        return _of_constant(constant)
    return of_dtype(graph.value(name).dtype)


def _of_constant(constant: Constant) -> Interval:
    if constant.dtype == "string" or not constant.values:
        return UNKNOWN
    numbers = [v for v in constant.values if not (isinstance(v, float) and math.isnan(v))]
    if not numbers:
        return UNKNOWN
    integer = all(not isinstance(v, float) or v.is_integer() for v in numbers)
    return Interval(min(numbers), max(numbers), integer, nan=len(numbers) < len(constant.values))


def _of_node(graph: GraphView, node: Node, output: str, found: Mapping[str, Interval]) -> Interval:
    inputs = [_look_up(graph, name, found) if name else UNKNOWN for name in node.inputs]
    dtype = graph.value(output).dtype
    if output != node.outputs[0] and node.op != "Split":
        return of_dtype(dtype)
    interval = _OPERATORS[node.op](node, inputs)
    return _fit(interval, dtype, rounds=node.op in _ROUNDS)


def _fit(interval: Interval, dtype: str | None, *, rounds: bool) -> Interval:
    """What is left of an exact result when it is computed in `dtype`; `rounds`: by an operator that may round."""
    if dtype in DTYPE_RANGES:
        whole = of_dtype(dtype)
        return replace(interval, integer=True) if interval.within(whole.low, whole.high) else whole
    if dtype is None or dtype not in _ROUNDING:
        return UNKNOWN
    largest = _LARGEST.get(dtype, math.inf)
    low = -math.inf if interval.low < -largest else interval.low
    high = math.inf if interval.high > largest else interval.high
    exact = not rounds or (interval.integer and max(abs(low), abs(high)) <= 1 / _ROUNDING[dtype])
    if not exact:
        low, high = low - abs(low) * _ROUNDING[dtype], high + abs(high) * _ROUNDING[dtype]
    return replace(interval, low=low, high=high)


_Transfer = Callable[[Node, Sequence[Interval]], Interval]


def _moves(_node: Node, inputs: Sequence[Interval]) -> Interval:
    return inputs[0]


def _unites(_node: Node, inputs: Sequence[Interval]) -> Interval:
    united = inputs[0]
    for other in inputs[1:]:
        united = united.union(other)
    return united


def _where(node: Node, inputs: Sequence[Interval]) -> Interval:
    return _unites(node, inputs[1:])


def _cast(node: Node, inputs: Sequence[Interval]) -> Interval:
    dtype = _CAST_TO.get(node.attributes.get("to", 0))
    if dtype == "bool":
        return Interval(0, 1, integer=True)
    if dtype in DTYPE_RANGES and not inputs[0].nan and math.isfinite(inputs[0].low + inputs[0].high):
        return Interval(math.trunc(inputs[0].low), math.trunc(inputs[0].high), integer=True)
    return inputs[0]


def _add(_node: Node, inputs: Sequence[Interval]) -> Interval:
    a, b = inputs
    return _of_bounds((a.low + b.low, a.high + b.high), a, b)


def _sub(_node: Node, inputs: Sequence[Interval]) -> Interval:
    a, b = inputs
    return _of_bounds((a.low - b.high, a.high - b.low), a, b)


def _mul(_node: Node, inputs: Sequence[Interval]) -> Interval:
    a, b = inputs
    return _of_bounds([x * y for x in (a.low, a.high) for y in (b.low, b.high)], a, b)


def _of_bounds(bounds: Sequence[float], a: Interval, b: Interval) -> Interval:
    """The interval of candidates for its bounds; where these are NaN (∞ − ∞, 0 · ∞), the elements may be, too."""
    if any(math.isnan(x) for x in bounds):
        return UNKNOWN
    infinite = not all(math.isfinite(x) for x in (a.low, a.high, b.low, b.high))
    return Interval(min(bounds), max(bounds), a.integer and b.integer, a.nan or b.nan or infinite)


def _mod(node: Node, inputs: Sequence[Interval]) -> Interval:
    """The remainder has the sign of a divisor that is positive, and is smaller; `fmod` has that of the dividend."""
    a, b = inputs
    if node.attributes.get("fmod", 0) or not (a.integer and b.integer) or b.low < 1:
        return UNKNOWN
    return Interval(0, b.high - 1, integer=True)


def _neg(_node: Node, inputs: Sequence[Interval]) -> Interval:
    a = inputs[0]
    return replace(a, low=-a.high, high=-a.low)


def _abs(_node: Node, inputs: Sequence[Interval]) -> Interval:
    a = inputs[0]
    low = 0 if a.low <= 0 <= a.high else min(abs(a.low), abs(a.high))
    return replace(a, low=low, high=max(abs(a.low), abs(a.high)))


def _relu(_node: Node, inputs: Sequence[Interval]) -> Interval:
    return replace(inputs[0], low=max(0, inputs[0].low), high=max(0, inputs[0].high))


def _min(_node: Node, inputs: Sequence[Interval]) -> Interval:
    united = _unites(_node, inputs)
    return replace(united, high=min(i.high for i in inputs))


def _max(_node: Node, inputs: Sequence[Interval]) -> Interval:
    united = _unites(_node, inputs)
    return replace(united, low=max(i.low for i in inputs))


def _clip(node: Node, inputs: Sequence[Interval]) -> Interval:
    value = inputs[0]
    bounds = [i for name, i in zip(node.inputs[1:], inputs[1:], strict=True) if name]
    if len(bounds) < 2 or any(b.nan for b in bounds):
        return UNKNOWN if value.nan else value.union(_unites(node, bounds)) if bounds else UNKNOWN
    low, high = bounds
    return Interval(
        min(max(value.low, low.low), high.high),
        min(max(value.high, low.high), high.high),
        value.integer and low.integer and high.integer,
        value.nan,
    )


def _round(_node: Node, inputs: Sequence[Interval]) -> Interval:
    a = inputs[0]
    if not math.isfinite(a.low + a.high):
        return replace(a, integer=True)
    return replace(a, low=math.floor(a.low), high=math.ceil(a.high), integer=True)


def _sqrt(_node: Node, inputs: Sequence[Interval]) -> Interval:
    a = inputs[0]
    if a.low < 0:
        return Interval(0, math.sqrt(max(a.high, 0)), nan=True)
    return Interval(math.sqrt(a.low), math.sqrt(a.high), nan=a.nan)


def _bounded(low: float, high: float) -> _Transfer:
    def transfer(_node: Node, inputs: Sequence[Interval]) -> Interval:
        return Interval(low, high, nan=inputs[0].nan)

    return transfer


def _softmax(_node: Node, inputs: Sequence[Interval]) -> Interval:
    infinite = not math.isfinite(inputs[0].low) or not math.isfinite(inputs[0].high)
    return Interval(0, 1, nan=inputs[0].nan or infinite)


def _sizes(_node: Node, _inputs: Sequence[Interval]) -> Interval:
    return Interval(0, 2**63 - 1, integer=True)


def _truth(_node: Node, _inputs: Sequence[Interval]) -> Interval:
    return Interval(0, 1, integer=True)


def _dropout(node: Node, inputs: Sequence[Interval]) -> Interval:
    """Without a training flag a Dropout moves; with one (opset 12) its elements are scaled or zero."""
    return inputs[0] if len(node.inputs) < 3 or not node.inputs[2] else UNKNOWN


_OPERATORS: Mapping[str, _Transfer] = {
    **dict.fromkeys(
        (
            "Identity", "Reshape", "Transpose", "Unsqueeze", "Squeeze", "Expand", "Flatten", "Slice", "Gather",
            "GatherElements", "GatherND", "Tile", "Split", "DepthToSpace", "SpaceToDepth", "ReduceMax", "ReduceMin",
        ),
        _moves,
    ),
    **dict.fromkeys(("Not", "And", "Or", "Xor", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual",
                     "IsNaN", "IsInf"), _truth),
    **dict.fromkeys(("Shape", "Size", "ArgMax", "ArgMin", "NonZero"), _sizes),
    **dict.fromkeys(("Floor", "Ceil", "Round"), _round),
    "Concat": _unites,
    "Where": _where,
    "Cast": _cast,
    "Add": _add,
    "Sub": _sub,
    "Mul": _mul,
    "Mod": _mod,
    "Neg": _neg,
    "Abs": _abs,
    "Relu": _relu,
    "Min": _min,
    "Max": _max,
    "Clip": _clip,
    "Sqrt": _sqrt,
    "Sigmoid": _bounded(0, 1),
    "Tanh": _bounded(-1, 1),
    "Erf": _bounded(-1, 1),
    "Softmax": _softmax,
    "Dropout": _dropout,
}  # fmt: skip
