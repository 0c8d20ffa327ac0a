"""Element by element: arithmetic with broadcasting, bits, comparisons, logic, functions, casts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from onnx import TensorProto

from benchmarks.drawn.case import FLOAT, Case, Draw, Family

__all__ = ["FAMILIES"]

UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
WHOLE = ("int8", "uint8", "int16", "uint16", "int32", "int64", "uint32", "uint64")
CAST_FROM = ("float32", "float16", "float64", *WHOLE, "bool")
CAST_TO = ("FLOAT", "FLOAT16", "DOUBLE", *map(str.upper, WHOLE), "BOOL")

FUNCTIONS = (
    *("Abs", "Neg", "Sign", "Ceil", "Floor", "Round", "Exp", "Log", "Sqrt", "Reciprocal", "Erf", "IsNaN", "IsInf"),
    *("Sin", "Cos", "Tan", "Sinh", "Cosh", "Tanh", "Asin", "Acos", "Atan", "Asinh", "Acosh", "Atanh"),
    *("Sigmoid", "Softplus", "Softsign", "Mish", "HardSwish", "HardSigmoid", "Elu", "Selu", "Celu", "Gelu"),
    *("LeakyRelu", "ThresholdedRelu", "Shrink"),
)

DOMAINS: Mapping[str, tuple[float, float]] = {
    "Log": (0.01, 9),
    "Sqrt": (0, 9),
    "Reciprocal": (0.1, 5),
    "Asin": (-1, 1),
    "Acos": (-1, 1),
    "Atanh": (-0.99, 0.99),
    "Acosh": (1, 9),
}
"""Where a function is finite; the others are drawn of -6 … 6."""


def bit_shift(draw: Draw) -> Case:
    """BitShift by fewer bits than there are."""
    dtype, shape = draw.one(UNSIGNED), draw.shape(draw.whole(1, 4))
    inputs = [draw.array(shape, dtype), draw.broadcast(shape, dtype, 0, 7)]
    attributes = {"direction": draw.one(("LEFT", "RIGHT"))}
    return Case("BitShift", inputs, attributes, draw.one((11, 18)), draw.second_constant(0.5))


def bitwise(draw: Draw) -> Case:
    """BitwiseAnd, BitwiseOr, BitwiseXor, BitwiseNot of every integer type."""
    op = draw.one(("BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot"))
    dtype, shape = draw.one(WHOLE), draw.shape(draw.whole(1, 4))
    x = draw.array(shape, dtype)
    if op == "BitwiseNot":
        return Case(op, [x], opset=18)
    return Case(op, [x, draw.broadcast(shape, dtype)], opset=18, constants=draw.second_constant(0.4))


def mod(draw: Draw) -> Case:
    """Mod with the sign of either operand, by divisors of either sign."""
    dtype = draw.one((FLOAT, FLOAT, "int32", "int64", "int8", "uint8", "uint16", "uint32"))
    shape = draw.shape(draw.whole(1, 4))
    divisor = draw.broadcast(shape, dtype, 1, 9)
    if np.dtype(dtype).kind != "u":
        divisor = np.where(draw.numbers.random(divisor.shape) < 0.5, -divisor, divisor).astype(dtype)
    attributes = {"fmod": 1 if dtype == FLOAT else draw.one((0, 1))}
    return Case("Mod", [draw.array(shape, dtype, -20, 20), divisor], attributes, 13, draw.second_constant(0.5))


def arithmetic(draw: Draw) -> Case:
    """Add, Sub, Mul, Div, Pow, Max, Min, PRelu; the smaller operand on either side where the sides are alike."""
    op, dtype = _arithmetic_op(draw)
    rank = draw.whole(0, 6)
    shape = draw.shape(rank, 1, 5)
    smaller = tuple(1 if draw.maybe(0.3) else n for n in shape)[draw.whole(0, rank) :]
    floats = np.dtype(dtype).kind == "f"
    if op == "Pow":
        a = draw.array(shape, dtype, *((0.2, 3) if floats else (0, 6)))
        b = draw.array(smaller, dtype, *((-2, 3) if floats else (0, 4)))
    else:
        a = draw.array(shape, dtype)
        b = draw.array(smaller, dtype, *((1, 9) if op == "Div" else (None, None)))
    inputs = [a, b]
    if op in {"Max", "Min"} and draw.maybe(0.4):
        return Case(op, [*inputs, draw.array(shape, dtype)], opset=13, constants=[1])
    if op not in {"Div", "Pow", "PRelu"} and draw.maybe(0.3):
        inputs.reverse()
    return Case(op, inputs, {}, draw.one((13, 17)), draw.second_constant(0.4))


def _arithmetic_op(draw: Draw) -> tuple[str, str]:
    op = draw.one(("Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "PRelu"))
    if op == "PRelu":
        return op, draw.one((FLOAT, "float64", "float16"))
    if op == "Pow":
        return op, draw.one((FLOAT, "float64", "float16", "int32", "int64"))
    floats = (FLOAT, FLOAT, "float64", "float16")
    return op, draw.one((*floats, "int32", "int64", "uint8", "int8", "int16", "uint32", "uint64"))


def compare(draw: Draw) -> Case:
    """The five comparisons, with many equal integers."""
    op = draw.one(("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"))
    kinds = (FLOAT, "int32", "int64", "int8", "uint8", "float64", "float16", "uint32")
    dtype = draw.one((*kinds, "bool" if op == "Equal" else FLOAT))
    shape = draw.shape(draw.whole(0, 5), 1, 5)
    inputs = [draw.array(shape, dtype, -3, 3), draw.broadcast(shape, dtype, -3, 3)]
    return Case(op, inputs, {}, draw.one((13, 17, 19)), draw.second_constant(0.4))


def logic(draw: Draw) -> Case:
    """And, Or, Xor, Not."""
    op, shape = draw.one(("And", "Or", "Xor", "Not")), draw.shape(draw.whole(0, 5), 1, 5)
    x = draw.array(shape, "bool")
    if op == "Not":
        return Case(op, [x], opset=13)
    smaller = shape[draw.whole(0, len(shape)) :]
    return Case(op, [x, draw.array(smaller, "bool")], opset=13, constants=draw.second_constant(0.3))


def where(draw: Draw) -> Case:
    """Where; up to two of the three inputs are initializers."""
    shape = draw.shape(draw.whole(1, 6), 1, 5)
    dtype = draw.one((FLOAT, FLOAT, "int32", "int64", "uint8", "bool", "float64"))
    otherwise: tuple[int, ...] = draw.one(((), shape, (1,)))
    inputs = [draw.broadcast(shape, "bool"), draw.array(shape, dtype), draw.array(otherwise, dtype)]
    return Case("Where", inputs, {}, 16, draw.chance.sample(range(3), draw.whole(0, 2)))


def function(draw: Draw) -> Case:
    """One of the functions of one number and activations, with their parameters, of no to six dimensions."""
    op = draw.one(FUNCTIONS)
    x = draw.array(draw.shape(draw.whole(0, 6), 1, 6), _function_type(draw, op), *DOMAINS.get(op, (-6, 6)))
    return Case(op, [x], _function_parameters(draw, op), 20 if op == "Gelu" else 18)


def _function_type(draw: Draw, op: str) -> str:
    if op in {"Celu", "IsInf"}:
        return FLOAT
    signed = (FLOAT, "int32", "int64", "int8", "int16", "float64")
    if op == "Neg":
        return draw.one(signed)
    if op in {"Abs", "Sign", "Shrink"}:
        return draw.one((*signed, "uint8"))
    return draw.one((FLOAT, FLOAT, "float16", "float64"))


def _function_parameters(draw: Draw, op: str) -> Mapping[str, Any]:
    if op in {"Elu", "Celu", "LeakyRelu", "ThresholdedRelu"} and draw.maybe(0.7):
        return {"alpha": draw.one((0.1, 0.5, 1.7))}
    if op == "HardSigmoid" and draw.maybe(0.7):
        return {"alpha": 0.3, "beta": 0.4}
    if op == "Shrink":
        return {"lambd": draw.one((0.5, 1.0, 2.0)), "bias": draw.one((0.0, 0.5, 1.5))}
    if op == "Gelu":
        return {"approximate": draw.one(("none", "tanh"))}
    return {"detect_negative": draw.one((0, 1)), "detect_positive": 1} if op == "IsInf" else {}


def cast(draw: Draw) -> Case:
    """Cast between any two types, of numbers that both hold."""
    given, wanted = draw.one(CAST_FROM), draw.one(CAST_TO)
    x = draw.array(draw.shape(draw.whole(0, 5)), given, 0 if wanted.startswith("UINT") else -30, 30)
    return Case("Cast", [x], {"to": TensorProto.DataType.Value(wanted)}, draw.one((13, 19)))


FAMILIES: Mapping[str, Family] = {
    "BitShift": bit_shift,
    "Bitwise": bitwise,
    "Mod": mod,
    "Arithmetic": arithmetic,
    "Compare": compare,
    "Logic": logic,
    "Where": where,
    "Function": function,
    "Cast": cast,
}
