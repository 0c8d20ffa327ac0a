"""Operators of one input, element by element: every element type and rank, opset, attribute and size."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import Case, case, computed, positions
from rkgraph.probe.schemas import NEWEST, TAKEN, allowed_types, versions

RANKS = {1: (30,), 2: (5, 18), 3: (2, 10, 14), 4: (2, 6, 10, 14), 5: (2, 3, 4, 6, 10), 6: (1, 2, 3, 4, 5, 6)}
"""A shape of each rank, other than those of `elementwise.SHAPES`, and with a batch where there is one."""

ATTRIBUTES = {
    "Celu": ("alpha = 1.0", "alpha = 0.5", "alpha = 3.0"),
    "Elu": ("alpha = 1.0", "alpha = 0.5", "alpha = 3.0", "alpha = 0.0", "alpha = -1.0"),
    "HardSigmoid": (
        "alpha = 0.2, beta = 0.5",
        "alpha = 0.16666667, beta = 0.5",
        "alpha = 0.25",
        "beta = 0.4",
        "alpha = 2.0, beta = -1.0",
    ),
    "IsInf": ("detect_negative = 0", "detect_positive = 0", "detect_negative = 1, detect_positive = 1"),
    "LeakyRelu": ("alpha = 0.01", "alpha = 0.2", "alpha = 0.0", "alpha = 1.0", "alpha = 1.5", "alpha = -0.5"),
    "Selu": ("alpha = 1.6732632, gamma = 1.050701", "alpha = 0.5, gamma = 2.0", "gamma = 1.0"),
    "Shrink": ("lambd = 0.5, bias = 0.0", "lambd = 0.7", "lambd = 0.7, bias = 0.7", "bias = 0.3"),
    "ThresholdedRelu": ("alpha = 1.0", "alpha = 0.0", "alpha = 0.7", "alpha = 5.0"),
}
"""Written out: the default, other numbers, and those that make it another operator."""

PLAIN = (
    *("Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "BitwiseNot", "Ceil", "Cos", "Cosh", "Erf", "Exp"),
    *("Floor", "HardSwish", "Identity", "IsNaN", "Log", "Mish", "Neg", "Not", "Reciprocal", "Relu", "Round"),
    *("Sigmoid", "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt", "Tan", "Tanh"),
)
UNARY = (*PLAIN, *ATTRIBUTES)

RARE = (
    *("Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Celu", "Ceil", "Cosh", "IsInf", "IsNaN", "Mish", "Selu"),
    *("Shrink", "Sinh", "Softsign", "Tan"),
)
"""Seen in few models: asked in fewer ranks and neighbours."""

SIZED = ("Abs", "Exp", "LeakyRelu", "Neg", "Reciprocal", "Relu", "Sigmoid", "Sqrt")
"""Asked at and around sizes that registers may not hold, and with single elements."""

SIZES = (
    *((1,), (8191,), (8193,), (1, 1), (9000, 1), (4, 8193), (1, 1, 1), (8193, 3, 4), (3, 4, 8193), (1, 1, 1, 1)),
    *((1, 8193, 4, 3), (1, 3, 8193, 4), (1, 4, 3, 8193), (1, 64, 160, 160), (40, 3, 7, 5), (1, 1, 4, 5, 6)),
)


def cases() -> Iterator[Case]:
    """All cases of this file."""
    for op in UNARY:
        yield from _types(op)
        yield from _opsets(op)
        for attributes in ATTRIBUTES.get(op, ()):
            slug = attributes.replace(" = ", "").replace(", ", ",")
            yield case(op, f"float,r4,{slug}", [computed(1, 10, 9, 14)], attributes)
            yield case(op, f"float,r3,{slug},between", [computed(1, 9, 14)], attributes, position="between")
    for op in SIZED:
        for shape in SIZES:
            yield case(op, f"float,{'x'.join(map(str, shape))}", [computed(*shape)], opset=_opset(op))


def _opset(op: str, dtype: str = "float") -> int:
    """The usual opset, or the newest where the operator or its element type came later."""
    since = versions(op)[0]
    return 17 if since <= 17 and (dtype == "bool" or dtype in allowed_types(op, opset=17)) else NEWEST


def _types(op: str) -> Iterator[Case]:
    for dtype in allowed_types(op):
        opset = _opset(op, dtype)
        ranks = tuple(RANKS) if dtype == "float" else (1, 3, 4) if dtype in TAKEN else (3,)
        ranks = () if dtype == "int16" else ranks[::2] if op in RARE else ranks  # no model takes int16, a Cast makes it
        for rank in ranks:
            yield case(op, f"{dtype},r{rank},plain", [computed(*RANKS[rank], dtype=dtype)], opset=opset)
        if dtype in ("int64", "int32", "int16", "int8"):  # the integers that a Cast can make
            for rank in (1, 4):
                args = [computed(*RANKS[rank], dtype=dtype)]
                yield case(op, f"{dtype},r{rank},plain", args, opset=opset, position="between")
        if dtype in ("float", "float16", "bool") and op not in RARE:
            for rank in (1, 5, 6) if dtype == "float" else (3,):
                yield from list(
                    positions(op, f"{dtype},r{rank},neighbours", [computed(*RANKS[rank], dtype=dtype)], opset=opset)
                )[1:]


def _opsets(op: str) -> Iterator[Case]:
    """One case at every opset at which the operator changed, from 6 on, and at the newest."""
    known = versions(op)
    dtype = next(t for t in ("float", "int32", "bool") if t in allowed_types(op))
    for opset in sorted({max(since, 6) for since in known} | {NEWEST}):
        yield case(op, f"{dtype},r4,opset{opset}", [computed(1, 7, 11, 13, dtype=dtype)], opset=opset)
