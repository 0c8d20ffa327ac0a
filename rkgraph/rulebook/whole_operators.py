"""One operator on whole numbers, in the words of `whole_numbers`: what is computed in int32 or int64 instead.

`OPERATORS` says for each operator how its result comes of its inputs, all of them of the dtype in which it is computed
(`Call.carrier`), and whether the result may have left the dtype that it is of (`Call.dtype`) and has to be wrapped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from rkgraph.analysis.intervals import Intervals
from rkgraph.graph.rewrite import Between
from rkgraph.records import Record
from rkgraph.rulebook import whole_numbers as whole
from rkgraph.rulebook.known import NotKnown, constant_of, shape_of

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.writer import Writer

__all__ = [
    "BITS",
    "BITWISE",
    "DIVISIONS",
    "IN_64_BITS",
    "LARGEST_PRODUCTS",
    "OPERATORS",
    "UNCHANGED",
    "Call",
    "assumed",
]

BITS: Mapping[str, int] = {f"{sign}int{bits}": bits for sign in ("", "u") for bits in (8, 16, 32, 64)}
"""Dtype of whole numbers → its width."""

DIVISIONS = frozenset({"Div", "Mod"})

BITWISE = ("BitwiseAnd", "BitwiseOr", "BitwiseXor")

IN_64_BITS = frozenset({*BITWISE, "BitShift", "MatMul", "Mul"})
"""Operators that need more room than 32 bits, for numbers of 16 bits too."""

UNCHANGED = frozenset({
    "ArgMax", "ArgMin", "Concat", "Expand", "Flatten", "Gather", "GatherND", "Identity", "Pad", "ReduceMax",
    "ReduceMin", "Reshape", "Slice", "Split", "Squeeze", "Tile", "TopK", "Transpose", "Unsqueeze",
})  # fmt: skip
"""Operators that only choose and move numbers: the same operator does, in any dtype."""

LARGEST_PRODUCTS = 2**22
"""Products that a MatMul of whole numbers is written out into."""


class Call(Record):
    """A node whose operands of dtype `dtype` are at hand in `carrier`, as the values `inputs` ("" for absent ones)."""

    w: Writer
    graph: GraphView
    node: Node
    inputs: tuple[str, ...]
    dtype: str
    carrier: str

    @property
    def is_signed(self) -> bool:
        """Whether the numbers have a sign."""
        return not self.dtype.startswith("u")

    @property
    def given(self) -> tuple[str, ...]:
        """The inputs that are there."""
        return tuple(name for name in self.inputs if name)


Write = Callable[[Call], str]


def _plain(call: Call) -> str:
    return call.w.op(call.node.op, *call.inputs, **call.node.attributes)


def _neg(call: Call) -> str:
    return call.w.op("Sub", whole.number(call.w, 0, call.carrier), call.inputs[0])


def _sign(call: Call) -> str:
    if not call.is_signed:
        return call.w.cast(call.w.cast(call.inputs[0], "bool"), call.carrier)
    return whole.sign(call.w, call.inputs[0], call.carrier)


def _relu(call: Call) -> str:
    return whole.relu(call.w, call.inputs[0], call.carrier)


def _absolute(call: Call) -> str:
    return whole.absolute(call.w, call.inputs[0], call.carrier) if call.is_signed else call.inputs[0]


def _ordered(write: Callable[[Writer, tuple[str, ...], str], str]) -> Write:
    """Numbers of 64 bits without a sign are compared less 2^63, as int64, which keeps their order."""

    def ordered(call: Call) -> str:
        if call.dtype != "uint64":
            return write(call.w, call.given, call.carrier)
        least = whole.number(call.w, -(2**63), "int64")
        moved = tuple(call.w.op("Add", name, least) for name in call.given)
        return call.w.op("Sub", write(call.w, moved, call.carrier), least)

    return ordered


def _compare(call: Call) -> str:
    if call.dtype != "uint64" or call.node.op == "Equal":
        return _plain(call)
    least = whole.number(call.w, -(2**63), "int64")
    return call.w.op(call.node.op, *(call.w.op("Add", name, least) for name in call.inputs))


def _clip(call: Call) -> str:
    low, high = (call.inputs[place] if len(call.inputs) > place else "" for place in (1, 2))
    result = call.inputs[0]
    if low:
        result = _ordered(whole.maximum)(_with(call, result, low))
    return _ordered(whole.minimum)(_with(call, result, high)) if high else result


def _with(call: Call, *inputs: str) -> Call:
    return Call(call.w, call.graph, call.node, inputs, call.dtype, call.carrier)


def _divide(call: Call) -> str:
    a, b = call.inputs
    if call.dtype == "uint64":
        return whole.unsigned_quotient(call.w, a, b)
    return whole.quotient(call.w, a, b, call.carrier)


def _modulo(call: Call) -> str:
    a, b = call.inputs
    if call.dtype == "uint64":
        product = call.w.op("Mul", whole.unsigned_quotient(call.w, a, b), b)
        return call.w.op("Sub", a, product)
    return whole.remainder(call.w, a, b, call.carrier, fmod=bool(call.node.attributes.get("fmod", 0)))


def _where(call: Call) -> str:
    condition, a, b = call.inputs
    return whole.select(call.w, condition, a, b, call.carrier)


def _prelu(call: Call) -> str:
    x, slope = call.inputs
    negative = call.w.op("Less", x, whole.number(call.w, 0, call.carrier))
    return whole.select(call.w, negative, call.w.op("Mul", x, slope), x, call.carrier)


def _matmul(call: Call) -> str:
    """Each product of a row and a column, and their sums: [batch, M, K, 1] · [batch, 1, K, N]."""
    a, b = (shape_of(call.graph, name) for name in call.node.inputs)
    result = shape_of(call.graph, call.node.outputs[0])
    count = math.prod(result) * a[-1]
    if count > LARGEST_PRODUCTS:
        raise NotKnown(f"{call.node.label} takes {count} products, more than {LARGEST_PRODUCTS}")
    rows, columns = (1, *a)[-max(len(a), 2) :], b if len(b) > 1 else (*b, 1)
    before, behind = rows[:-2], columns[:-2]
    if before == behind or not before or not behind:  # few dimensions are easier on everybody
        before, behind = (math.prod(before),), (math.prod(behind),)
    size = max(len(before), len(behind)) + 3
    left = call.w.reshape(call.inputs[0], (*before, *rows[-2:], 1))
    right = call.w.reshape(call.inputs[1], (*behind, 1, *columns[-2:]))
    products = call.w.op("Mul", left, right)
    if assumed(call.graph, call.node):
        found = call.w.reduce("ReduceSum", products, (size - 2,), keepdims=False)
    else:
        found = _sum_in_halves(call.w, products, size - 2, a[-1])
    return call.w.reshape(found, result)


def _sum_in_halves(w: Writer, x: str, axis: int, size: int) -> str:
    """The sum along an axis by sums of two halves: Add wraps around as MatMul does, and ReduceSum does not."""
    while size > 1:
        half = size // 2
        total = w.op("Add", w.slice(x, [axis], [0], [half]), w.slice(x, [axis], [half], [2 * half]))
        x = w.concat([total, w.slice(x, [axis], [2 * half], [size])], axis) if size % 2 else total
        size -= half
    return x


def assumed(graph: GraphView, node: Node) -> dict[str, Between]:
    """What the operands of a MatMul are known to lie in, where ReduceSum will do: it is exact up to 2^53 only."""
    if node.op != "MatMul":
        return {}
    bound = math.isqrt(2**53 // shape_of(graph, node.inputs[0])[-1])
    known = Intervals(graph)
    intervals = [known.of(name) for name in node.inputs]
    if not all(-bound <= one.low and one.high <= bound for one in intervals):
        return {}
    return {name: Between(-bound, bound, integer=True) for name in node.inputs}


def _gather_elements(call: Call) -> str:
    """By constant indices: a Gather from the numbers in a row."""
    import numpy as np

    shape, axis = shape_of(call.graph, call.node.inputs[0]), call.node.attributes.get("axis", 0)
    chosen = shape_of(call.graph, call.node.inputs[1])
    along = np.array(constant_of(call.graph, call.node.inputs[1]), np.int64).reshape(chosen)
    places = list(np.indices(chosen))
    places[axis] = np.where(along < 0, along + shape[axis], along)
    flat = np.ravel_multi_index(tuple(places), shape)
    row = call.w.reshape(call.inputs[0], (-1,))
    found = call.w.op("Gather", row, call.w.constant(flat.reshape(-1), "int64", "places"), axis=0)
    return call.w.reshape(found, chosen)


def _bitwise(call: Call) -> str:
    shape = shape_of(call.graph, call.node.outputs[0])
    a, b = (
        name if shape_of(call.graph, old) == shape else call.w.op("Expand", name, call.w.integers(shape, "shape"))
        for name, old in zip(call.inputs, call.node.inputs, strict=True)
    )
    return whole.bitwise(call.w, call.node.op, (a, b), shape, bits=BITS[call.dtype], signed=call.is_signed)


def _bitwise_not(call: Call) -> str:
    turned = whole.complement(call.w, call.inputs[0], call.carrier)
    if call.is_signed or BITS[call.dtype] == BITS[call.carrier]:
        return turned
    return call.w.op("Add", turned, whole.number(call.w, 2 ** BITS[call.dtype], call.carrier))


def _shift(call: Call) -> str:
    x, by = call.inputs
    return whole.shifted(call.w, x, by, BITS[call.dtype], left=call.node.attributes.get("direction") == "LEFT")


OPERATORS: Mapping[str, tuple[Write, bool]] = {
    **dict.fromkeys(("Add", "Sub", "Mul", "ReduceSum"), (_plain, True)),
    **dict.fromkeys(("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"), (_compare, False)),
    **dict.fromkeys(BITWISE, (_bitwise, False)),
    "Abs": (_absolute, True),
    "BitShift": (_shift, False),
    "BitwiseNot": (_bitwise_not, False),
    "Clip": (_clip, False),
    "Div": (_divide, True),
    "GatherElements": (_gather_elements, False),
    "MatMul": (_matmul, True),
    "Max": (_ordered(whole.maximum), False),
    "Min": (_ordered(whole.minimum), False),
    "Mod": (_modulo, False),
    "Neg": (_neg, True),
    "PRelu": (_prelu, True),
    "Relu": (_relu, False),
    "Sign": (_sign, False),
    "Where": (_where, False),
}
"""Operator → how its result is written, and whether the result has to be wrapped into the dtype."""
