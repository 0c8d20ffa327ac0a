"""Arithmetic on int32 and int64 with the operators that have kernels, exact for all numbers, wrap-around included.

The board's CPU computes int32 and int64 exactly: Add, Sub, Mul, Max, Equal, Less, Mod and Div by what is never zero.
What has no kernel, or ends the build, is written with these (`benchmarks/rewrites.md`, heading whole-numbers):

    min(a, b)          −1 − max(−1 − a, −1 − b)        −1 − x has no overflow, −x has one
    |a|, relu(a)       max(a, −a), max(a, 0)
    sign(a)            (a > 0) − (a < 0)
    where(c, a, b)     b + c · (a − b)                 a wrapped difference is undone by the sum
    a / b, a mod b     by b + (b = 0)                  the compiler runs each node on numbers of its own, zeros too
    a and b, …         by bit planes: column k of a matrix is ⌊a / 2^k⌋ mod 2

Every function records nodes on a writer and returns the name of the result. `dtype` is "int32" or "int64".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rkgraph.graph.view import GraphView
from rkgraph.rulebook.known import NotKnown

if TYPE_CHECKING:
    from rkgraph.rulebook.writer import Writer

__all__ = [
    "absolute",
    "bitwise",
    "complement",
    "maximum",
    "minimum",
    "never_zero",
    "nonzero",
    "number",
    "quotient",
    "relu",
    "remainder",
    "select",
    "shifted",
    "sign",
    "unsigned_quotient",
    "wrapped",
]

# Opsets that brought what is written here: https://onnx.ai/onnx/operators/
_LESS_OF_WHOLE_NUMBERS = 9
_MOD = 10
_MAX_OF_WHOLE_NUMBERS = 12

# ONNX Runtime 1.31 on x86-64 takes 0 for the larger of 0 and 2^31 in int64, so that Less decides there.

LARGEST_PLANES = 2**22
"""Numbers in the matrix of bit planes: 32 MiB of int64."""


def _since(w: Writer, opset: int, what: str) -> None:
    if w.opset < opset:
        raise NotKnown(f"opset {w.opset} has no {what}, which opset {opset} brought; raise the opset of the model")


def number(w: Writer, value: int, dtype: str) -> str:
    """A scalar constant."""
    return w.constant(value, dtype, "whole")


def complement(w: Writer, x: str, dtype: str) -> str:
    """−1 − x: all bits turned; order turned round."""
    constant = w.graph.constant(x)
    if constant is not None:
        import numpy as np

        return w.constant(~np.array(constant.values, dtype).reshape(constant.shape), dtype, "flipped")
    return w.op("Sub", number(w, -1, dtype), x)


def maximum(w: Writer, values: Sequence[str], dtype: str) -> str:
    """The largest of the values, broadcast."""
    if len(values) == 1:
        return values[0]
    if w.opset >= _MAX_OF_WHOLE_NUMBERS and dtype == "int32":
        return w.op("Max", *values)
    _since(w, _LESS_OF_WHOLE_NUMBERS, "Less of whole numbers")
    first, *others = values
    for other in others:
        first = select(w, w.op("Less", first, other), other, first, dtype)
    return first


def minimum(w: Writer, values: Sequence[str], dtype: str) -> str:
    """The least of the values, broadcast."""
    if len(values) == 1:
        return values[0]
    return complement(w, maximum(w, [complement(w, x, dtype) for x in values], dtype), dtype)


def absolute(w: Writer, x: str, dtype: str) -> str:
    """|x|; the least number of the dtype stays as it is, as in ONNX Runtime."""
    return maximum(w, (x, w.op("Sub", number(w, 0, dtype), x)), dtype)


def relu(w: Writer, x: str, dtype: str) -> str:
    """max(x, 0)."""
    return maximum(w, (x, number(w, 0, dtype)), dtype)


def sign(w: Writer, x: str, dtype: str) -> str:
    """−1, 0 or 1."""
    _since(w, _LESS_OF_WHOLE_NUMBERS, "Less of whole numbers")
    zero = number(w, 0, dtype)
    above, below = (w.cast(w.op(op, x, zero), dtype) for op in ("Greater", "Less"))
    return w.op("Sub", above, below)


def select(w: Writer, condition: str, a: str, b: str, dtype: str) -> str:
    """`a` where the condition (bool) holds, else `b`."""
    return w.op("Add", b, w.op("Mul", w.cast(condition, dtype), w.op("Sub", a, b)))


def nonzero(w: Writer, x: str, dtype: str) -> str:
    """`x`, and 1 in the place of 0: what may be divided by."""
    if never_zero(w.graph, x):
        return x
    return w.op("Add", x, w.cast(w.op("Equal", x, number(w, 0, dtype)), dtype))


def never_zero(graph: GraphView, name: str) -> bool:
    """Whether a divisor cannot be zero by the way in which it is made, whatever goes in: what `nonzero` writes."""
    constant = graph.constant(name)
    if constant is not None:
        return bool(constant.values) and all(constant.values)
    node = graph.producer(name)
    if node is None:
        return False
    if node.op == "Gather":
        return never_zero(graph, node.inputs[0])
    if node.op != "Add":
        return False
    return any(_says_zero(graph, node.inputs[1 - place], node.inputs[place]) for place in (0, 1))


def _says_zero(graph: GraphView, name: str, of: str) -> bool:
    """Whether the value is 1 where `of` is 0, and 0 elsewhere."""
    cast = graph.producer(name)
    equal = graph.producer(cast.inputs[0]) if cast is not None and cast.op == "Cast" else None
    if equal is None or equal.op != "Equal" or of not in equal.inputs:
        return False
    zero = graph.constant(equal.inputs[1 - equal.inputs.index(of)])
    return zero is not None and not any(zero.values)


def quotient(w: Writer, a: str, b: str, dtype: str) -> str:
    """The quotient a / b, cut towards zero."""
    return w.op("Div", a, nonzero(w, b, dtype))


def remainder(w: Writer, a: str, b: str, dtype: str, *, fmod: bool = False) -> str:
    """The remainder a mod b, of the sign of b; with `fmod` of the sign of a."""
    return w.op("Mod", a, nonzero(w, b, dtype), fmod=int(fmod) or None)


def unsigned_quotient(w: Writer, a: str, b: str) -> str:
    """The quotient a / b of 64 bits without a sign, in the int64 of the same bits.

    By halves, as Hacker's Delight has it (Warren, 2nd edition, section 9-3): q = 2 · ((a >> 1) / b), and one more where
    a − q · b is b or more. From a divisor of 2^63 on the quotient is 1 or 0.
    """
    zero, one, least = (number(w, n, "int64") for n in (0, 1, -(2**63)))
    huge = w.cast(w.op("Less", b, zero), "int64")
    divisor = nonzero(w, w.op("Mul", b, w.op("Sub", one, huge)), "int64")
    two = number(w, 2, "int64")
    half = w.op("Div", w.op("Sub", a, w.op("Mod", a, two)), two)
    upper = w.op("Mul", w.cast(w.op("Less", a, zero), "int64"), least)
    shifted_right = w.op("Sub", half, upper)
    guess = w.op("Mul", w.op("Div", shifted_right, divisor), two)
    guess = w.op("Mul", guess, w.op("Sub", one, huge))
    rest = w.op("Sub", a, w.op("Mul", guess, b))
    fits = w.op("Less", w.op("Add", rest, least), w.op("Add", b, least))
    return w.op("Add", guess, w.op("Sub", one, w.cast(fits, "int64")))


def wrapped(w: Writer, x: str, dtype: str, bits: int, *, signed: bool) -> str:
    """The number of `bits` bits that is equal to `x` modulo 2^bits; `dtype` has more bits."""
    _since(w, _MOD, "Mod")
    size = number(w, 2**bits, dtype)
    if not signed:
        return w.op("Mod", x, size)
    half = number(w, 2 ** (bits - 1), dtype)
    return w.op("Sub", w.op("Mod", w.op("Add", x, half), size), half)


def bitwise(w: Writer, op: str, values: tuple[str, str], shape: tuple[int, ...], *, bits: int, signed: bool) -> str:
    """BitwiseAnd, BitwiseOr or BitwiseXor of two int64 values of `bits` bits, both of this shape.

    Raises:
        NotKnown: the matrix of bit planes is larger than `LARGEST_PLANES`.
    """
    count = math.prod(shape)
    if count * bits > LARGEST_PLANES:
        raise NotKnown(f"{count} numbers of {bits} bits are {count * bits} bit planes, more than {LARGEST_PLANES}")
    one, other = (_planes(w, w.reshape(x, (count, 1)), bits) for x in values)
    match op:
        case "BitwiseAnd":
            planes = w.op("Mul", one, other)
        case "BitwiseOr":
            planes = w.op("Max", one, other)
        case _:
            planes = w.op("Mod", w.op("Add", one, other), number(w, 2, "int64"))
    return w.reshape(_numbers(w, planes, count, bits, signed=signed), shape)


def _numbers(w: Writer, planes: str, count: int, bits: int, *, signed: bool) -> str:
    """[N, bits] → [N, 1]: the numbers of these bits. ReduceSum is exact up to 2^53, hence 64 bits in two halves."""
    if bits < 64:
        weights = [2**k for k in range(bits)]
        weights[-1] *= -1 if signed else 1
        return w.reduce("ReduceSum", w.op("Mul", planes, w.constant(weights, "int64", "weights")), (1,))
    halves = w.op("Mul", w.reshape(planes, (count, 2, 32)), w.constant([2**k for k in range(32)], "int64", "weights"))
    low, high = w.split(w.reduce("ReduceSum", halves, (2,), keepdims=False), 1, (1, 1))
    return w.op("Add", low, w.op("Mul", high, number(w, 2**32, "int64")))


def _planes(w: Writer, column: str, bits: int) -> str:
    """[N, 1] → [N, bits]: the bits of each number, the lowest first; quotients are rounded down (sign)."""
    powers = [2 ** min(k, 62) for k in range(bits)]
    shifted = _floor_quotient(w, column, w.constant(powers, "int64", "powers"))
    if bits == 64:  # 2^63 is no int64
        shifted = _floor_quotient(w, shifted, w.constant([1] * 63 + [2], "int64", "powers"))
    return w.op("Mod", shifted, number(w, 2, "int64"))


def _floor_quotient(w: Writer, x: str, powers: str) -> str:
    return w.op("Div", w.op("Sub", x, w.op("Mod", x, powers)), powers)


def shifted(w: Writer, x: str, by: str, bits: int, *, left: bool) -> str:
    """Numbers without a sign, of `bits` bits, in int64, shifted: those of 64 bits as the int64 of the same bits.

    A shift by as many bits as there are, or more, gives 0, which ONNX leaves open; bits that are shifted out are lost.
    """
    amount = _least_unsigned(w, by, bits) if bits == 64 else minimum(w, (by, number(w, bits, "int64")), "int64")
    if left:
        powers = [2**k for k in range(bits + 1)]
        if bits == 64:
            powers[-2:] = [-(2**63), 0]
        product = w.op("Mul", x, _looked_up(w, powers, amount))
        return product if bits == 64 else wrapped(w, product, "int64", bits, signed=False)
    if bits < 64:
        return w.op("Div", x, _looked_up(w, [2**k for k in range(bits + 1)], amount))
    first, second = ([2 ** min(k, 31) for k in range(65)], [2 ** max(k - 31, 0) for k in range(65)])
    return w.op("Div", _halves_shifted(w, x, _looked_up(w, first, amount)), _looked_up(w, second, amount))


def _looked_up(w: Writer, table: Sequence[int], place: str) -> str:
    return w.op("Gather", w.constant(table, "int64", "powers"), place)


def _least_unsigned(w: Writer, x: str, bound: int) -> str:
    """The lesser of the bound and the 64 bits `x` without a sign: numbers less 2^63 are in the order of int64."""
    least = number(w, -(2**63), "int64")
    return w.op("Sub", minimum(w, (w.op("Add", x, least), number(w, bound - 2**63, "int64")), "int64"), least)


def _halves_shifted(w: Writer, x: str, power: str) -> str:
    """The quotient x / 2^k of 64 bits without a sign, k < 32: half by half, from above."""
    half = number(w, 2**32, "int64")
    low = w.op("Mod", x, half)
    high = w.op("Mod", w.op("Div", w.op("Sub", x, low), half), half)
    rest = w.op("Add", w.op("Mul", w.op("Mod", high, power), half), low)
    return w.op("Add", w.op("Mul", w.op("Div", high, power), half), w.op("Div", rest, power))
