"""Operators that work element by element: unary, binary, comparisons, logic, casts, Where and Clip."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import ABSENT, Arg, Case, case, computed, const, positions, weight

SHAPES = {1: (24,), 2: (6, 24), 3: (1, 12, 24), 4: (1, 8, 12, 24), 5: (1, 4, 6, 8, 10)}
"""A shape of each rank; batch 1 where there is a batch."""

DTYPES = ("float", "float16", "double", "int64", "int32", "uint8", "int8", "bool")

FLOAT_UNARY = [
    "Abs",
    "Acos",
    "Acosh",
    "Asin",
    "Asinh",
    "Atan",
    "Atanh",
    "Ceil",
    "Celu",
    "Cos",
    "Cosh",
    "Elu",
    "Erf",
    "Exp",
    "Floor",
    "HardSigmoid",
    "HardSwish",
    "Hardmax",
    "Identity",
    "IsInf",
    "IsNaN",
    "LeakyRelu",
    "Log",
    "LogSoftmax",
    "Mish",
    "Neg",
    "Reciprocal",
    "Relu",
    "Round",
    "Selu",
    "Shrink",
    "Sigmoid",
    "Sign",
    "Sin",
    "Sinh",
    "Softmax",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Tan",
    "Tanh",
    "ThresholdedRelu",
    "Dropout",
]

COMMON = [
    "Abs",
    "Clip",
    "Cos",
    "Erf",
    "Exp",
    "Identity",
    "LeakyRelu",
    "Log",
    "Neg",
    "Reciprocal",
    "Relu",
    "Round",
    "Sigmoid",
    "Sin",
    "Softmax",
    "Sqrt",
    "Tanh",
]
"""These get all ranks and a larger batch."""

ANY_UNARY = {
    "Abs": DTYPES[:-1],
    "Neg": ("float", "float16", "double", "int64", "int32", "int8"),
    "Sign": DTYPES[:-1],
    "Identity": DTYPES,
    "Not": ("bool",),
    "Relu": ("float", "float16", "double", "int32"),
}

BINARY = ("Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Mod", "Equal", "Greater", "Less", "GreaterOrEqual")
NUMBERS = ("float", "float16", "double", "int64", "int32")


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _unary()
    yield from _binary()
    yield from _logic()
    yield from _casts()
    yield from _where_and_clip()


def _unary() -> Iterator[Case]:
    for op in FLOAT_UNARY:
        opset = 18 if op == "Mish" else 17
        for rank, shape in SHAPES.items():
            if rank in (2, 4) or op in COMMON:
                yield from positions(op, f"float,r{rank}", [computed(*shape)], opset=opset)
        if op in COMMON and op != "Softmax":
            yield case(op, "float,r4,batch3", [computed(3, 8, 12, 24)], opset=opset)
    yield from _unary_of_other_dtypes()
    yield from _softmax()


def _unary_of_other_dtypes() -> Iterator[Case]:
    for op, dtypes in ANY_UNARY.items():
        for dtype in dtypes:
            for rank in (2, 4) if dtype != "float" else ():
                yield from positions(op, f"{dtype},r{rank}", [computed(*SHAPES[rank], dtype=dtype)])
    for op in ("Exp", "Log", "Sqrt", "Sigmoid", "Tanh", "Erf", "Softmax", "Floor"):
        for dtype in ("float16", "double"):
            yield case(op, f"{dtype},r3", [computed(*SHAPES[3], dtype=dtype)])


def _softmax() -> Iterator[Case]:
    for op in ("Softmax", "LogSoftmax"):
        for rank, shape in SHAPES.items():
            for axis in range(-1, rank - 1) if op == "Softmax" else (-1,):
                yield from positions(op, f"float,r{rank},axis{axis}", [computed(*shape)], f"axis = {axis}")
        yield case(op, "float,r3,long", [computed(1, 4, 9000)], "axis = -1")
        yield case(op, "float,r3,batch3", [computed(3, 12, 24)], "axis = -1")


def _binary() -> Iterator[Case]:
    for op in (*BINARY, "LessOrEqual"):
        dtypes = (*NUMBERS, "bool") if op == "Equal" else NUMBERS
        for dtype in dtypes:
            attributes = "fmod = 1" if op == "Mod" and dtype in ("float", "float16", "double") else ""
            for slug, args in _pairs(dtype):
                if _wanted(op, dtype, slug):
                    yield from positions(op, f"{dtype},{slug}", args, attributes)
    for op in ("Sum", "Mean"):
        yield from positions(op, "float,r4,two", [computed(*SHAPES[4])] * 2)
        yield from positions(op, "float,r3,three", [computed(*SHAPES[3])] * 3)
    for op in ("Max", "Min"):
        yield from positions(op, "float,r4,one", [computed(*SHAPES[4])])
        yield from positions(op, "float,r4,three", [computed(*SHAPES[4])] * 3)
    for slope in (weight(8, 1, 1), weight(1, 8, 1, 1), const(0.1, dtype="float"), weight(24)):
        yield from positions(
            "PRelu", f"float,r4,slope{len(slope.shape)}x{slope.shape[0]}", [computed(*SHAPES[4]), slope]
        )


def _wanted(op: str, dtype: str, slug: str) -> bool:
    """All pairs for float and int64 of the commonest operators, a few for the others."""
    if op in ("Add", "Mul", "Equal") and dtype in ("float", "int64"):
        return True
    if dtype == "float" and op in ("Sub", "Div", "Max", "Min", "Pow"):
        return slug in ("r1,both", "r5,both") or slug.startswith(("r2,", "r3,s", "r3,b", "r4,"))
    if dtype in ("float", "int64", "int32"):
        return slug in ("r1,both", "r3,both", "r3,scalar", "r4,both", "r4,scalar", "r3,scalar-first")
    return slug in ("r3,both", "r3,scalar")


def _pairs(dtype: str) -> Iterator[tuple[str, list[Arg]]]:
    one = const(2 if dtype not in ("float", "float16", "double") else 2.0, dtype=dtype, shape=())
    if dtype == "bool":
        one = const(1, dtype=dtype, shape=())
    if dtype == "float16":
        one = weight(1, dtype=dtype)
    for rank, shape in SHAPES.items():
        x = computed(*shape, dtype=dtype)
        yield f"r{rank},both", [x, x]
        if rank != 5 or dtype == "float":
            yield f"r{rank},scalar", [x, one]
    x = computed(*SHAPES[3], dtype=dtype)
    yield "r3,scalar-first", [one, x]
    yield "r3,const", [x, weight(1, 12, 24, dtype=dtype)]
    yield "r3,row", [x, weight(24, dtype=dtype)]
    yield "r3,column", [x, computed(1, 12, 1, dtype=dtype)]
    if dtype == "float":
        yield "r4,channel", [computed(*SHAPES[4]), weight(1, 8, 1, 1)]
        yield "r4,last", [computed(*SHAPES[4]), weight(24)]
        yield "r4,outer", [computed(1, 8, 12, 1), computed(1, 8, 1, 24)]
        yield "r4,mask", [computed(1, 8, 12, 24), computed(1, 1, 1, 24)]
        yield "r4,batch3", [computed(3, 8, 12, 24), computed(3, 8, 12, 24)]
        yield "r4r2,both", [computed(1, 8, 12, 24), computed(12, 24)]


def _logic() -> Iterator[Case]:
    for op in ("And", "Or", "Xor"):
        for rank, shape in SHAPES.items():
            x = computed(*shape, dtype="bool")
            yield from positions(op, f"bool,r{rank},both", [x, x])
        yield from positions(
            op, "bool,r4,const", [computed(*SHAPES[4], dtype="bool"), weight(1, 1, 12, 24, dtype="bool")]
        )
    for rank in (1, 3, 5):
        yield from positions("Not", f"bool,r{rank}", [computed(*SHAPES[rank], dtype="bool")])
    for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor"):
        yield case(op, "int32,r3,both", [computed(1, 12, 24, dtype="int32")] * 2, opset=18)
    yield case("BitwiseNot", "int32,r3", [computed(1, 12, 24, dtype="int32")], opset=18)
    yield case("BitShift", "uint8,r3", [computed(1, 12, 24, dtype="uint8")] * 2, 'direction = "LEFT"')


def _casts() -> Iterator[Case]:
    numbers = {"float": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7, "bool": 9, "float16": 10, "double": 11}
    for source in numbers:
        for target, code in numbers.items():
            if "float" not in (source, target) and not {source, target} <= {"int64", "int32", "bool"}:
                continue
            for rank in (2, 4) if {source, target} & {"float"} else (3,):
                x = computed(*SHAPES[rank], dtype=source)
                yield from positions("Cast", f"{source}-{target},r{rank}", [x], f"to = {code}")
    for source, target in (("float", "int64"), ("int64", "float"), ("float", "bool")):
        args = [computed(*SHAPES[3], dtype=source), weight(2, dtype=target)]
        yield from positions("CastLike", f"{source}-{target},r3", args)


def _where_and_clip() -> Iterator[Case]:
    for dtype in ("float", "int64", "int32"):
        fill = const(-10000.0 if dtype == "float" else 0, dtype=dtype, shape=())
        for rank, shape in SHAPES.items():
            condition, x = computed(*shape, dtype="bool"), computed(*shape, dtype=dtype)
            yield from positions("Where", f"{dtype},r{rank},all", [condition, x, x])
            yield from positions("Where", f"{dtype},r{rank},fill", [condition, fill, x])
            if rank in (3, 4):
                yield from positions("Where", f"{dtype},r{rank},else-fill", [condition, x, fill])
                yield from positions(
                    "Where", f"{dtype},r{rank},const-condition", [weight(*shape, dtype="bool"), x, fill]
                )
                small = computed(*([1] * (rank - 1)), shape[-1], dtype="bool")
                yield from positions("Where", f"{dtype},r{rank},broadcast", [small, fill, x])
    for dtype in ("float", "int64", "int32", "float16"):
        if dtype == "float16":
            low, high = weight(dtype=dtype), weight(dtype=dtype)
        else:
            low, high = const(0, dtype=dtype, shape=()), const(6, dtype=dtype, shape=())
            if dtype == "float":
                low, high = const(0.0, dtype=dtype, shape=()), const(6.0, dtype=dtype, shape=())
        for rank in (2, 3, 4, 5) if dtype == "float" else (3,):
            x = computed(*SHAPES[rank], dtype=dtype)
            yield from positions("Clip", f"{dtype},r{rank},both", [x, low, high])
            yield from positions("Clip", f"{dtype},r{rank},low", [x, low])
            yield from positions("Clip", f"{dtype},r{rank},high", [x, ABSENT, high])
    yield from positions("Clip", "float,r3,computed-bounds", [computed(*SHAPES[3]), computed(), computed()])
