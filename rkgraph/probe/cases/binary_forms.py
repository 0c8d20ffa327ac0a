"""Operators of two and more inputs, element by element: element types, how they are broadcast, constants, opsets."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import AGAIN, Arg, Case, case, computed, const, node, weight
from rkgraph.probe.schemas import NEWEST, TAKEN, allowed_types, versions

ARITHMETIC = ("Add", "Sub", "Mul", "Div", "Pow", "Mod", "Max", "Min")
COMPARISONS = ("Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual")
BITWISE = ("BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitShift")
LOGIC = ("And", "Or", "Xor")
WIDE = ("Add", "Sub", "Mul", "Div", "Pow", "Max")
"""Those that may run on the NPU: asked in all forms."""
BINARY = (*ARITHMETIC, *COMPARISONS, *BITWISE, *LOGIC)

FLOATS = ("float", "float16", "double", "bfloat16")

RANKS = {1: (36,), 3: (2, 9, 20), 4: (2, 6, 9, 20), 2: (7, 18), 5: (1, 3, 4, 9, 10), 6: (1, 2, 3, 4, 5, 6)}
MAIN = ("float", "int32", "bool")
"""The types that are asked in all ranks, the others in the first three (or one, where all are alike)."""

FORMS: dict[str, tuple[Arg, Arg]] = {
    "r1,scalar-last": (computed(36), computed(1)),
    "r2,row": (computed(7, 18), computed(18)),
    "r2,column": (computed(7, 18), computed(7, 1)),
    "r2,one": (computed(7, 18), computed(1, 1)),
    "r2,outer": (computed(7, 1), computed(1, 18)),
    "r2,outer-r1": (computed(7, 1), computed(18)),
    "r3,one": (computed(2, 9, 20), computed(1)),
    "r3,line": (computed(2, 9, 20), computed(20)),
    "r3,row-first": (computed(20), computed(2, 9, 20)),
    "r3,matrix": (computed(2, 9, 20), computed(9, 20)),
    "r3,columns": (computed(2, 9, 20), computed(2, 9, 1)),
    "r3,column-low": (computed(2, 9, 20), computed(9, 1)),
    "r3,batch": (computed(2, 9, 20), computed(1, 9, 20)),
    "r3,middle": (computed(2, 9, 20), computed(2, 1, 20)),
    "r3,outer": (computed(2, 9, 1), computed(2, 1, 20)),
    "r4,one": (computed(1, 6, 9, 20), computed(1)),
    "r4,row": (computed(1, 6, 9, 20), computed(20)),
    "r4,matrix": (computed(1, 6, 9, 20), computed(9, 20)),
    "r4,cube": (computed(1, 6, 9, 20), computed(6, 9, 20)),
    "r4,channels": (computed(1, 6, 9, 20), computed(1, 6, 1, 1)),
    "r4,channel-first": (computed(1, 6, 1, 1), computed(1, 6, 9, 20)),
    "r4,channel-low": (computed(1, 6, 9, 20), computed(6, 1, 1)),
    "r4,batched": (computed(3, 6, 9, 20), computed(1, 6, 9, 20)),
    "r4,batch-channel": (computed(3, 6, 9, 20), computed(3, 6, 1, 1)),
    "r4,height": (computed(1, 6, 9, 20), computed(1, 1, 9, 1)),
    "r4,width": (computed(1, 6, 9, 20), computed(1, 1, 1, 20)),
    "r4,plane": (computed(1, 6, 9, 20), computed(1, 1, 9, 20)),
    "r4,both-ways": (computed(1, 6, 1, 20), computed(3, 1, 9, 20)),
    "r4,outer-product": (computed(1, 6, 9, 1), computed(1, 6, 1, 20)),
    "r5,row": (computed(1, 3, 4, 9, 10), computed(10)),
    "r5,cube": (computed(1, 3, 4, 9, 10), computed(4, 9, 10)),
    "r5,channel": (computed(1, 3, 4, 9, 10), computed(1, 3, 1, 1, 1)),
    "r5,channel,batch": (computed(2, 3, 4, 9, 10), computed(1, 3, 1, 1, 1)),
    "r5,same,batch": (computed(2, 3, 4, 9, 10), computed(2, 3, 4, 9, 10)),
    "r6,same": (computed(1, 2, 3, 4, 5, 6), computed(1, 2, 3, 4, 5, 6)),
    "r6,row": (computed(1, 2, 3, 4, 5, 6), computed(6)),
    "r2,const-whole": (computed(7, 18), weight(7, 18)),
    "r2,const-row": (computed(7, 18), weight(18)),
    "r2,const-column": (computed(7, 18), weight(7, 1)),
    "r3,const-matrix": (computed(2, 9, 20), weight(9, 20)),
    "r3,const-before": (weight(2, 9, 20), computed(2, 9, 20)),
    "r3,const-row-first": (weight(20), computed(2, 9, 20)),
    "r3,const-grows": (computed(1, 9, 20), weight(3, 9, 20)),
    "r4,const-whole": (computed(1, 6, 9, 20), weight(1, 6, 9, 20)),
    "r4,const-before": (weight(1, 6, 9, 20), computed(1, 6, 9, 20)),
    "r4,const-channel": (computed(1, 6, 9, 20), weight(6, 1, 1)),
    "r4,const-channel-first": (weight(1, 6, 1, 1), computed(1, 6, 9, 20)),
    "r4,const-plane": (computed(1, 6, 9, 20), weight(9, 20)),
    "r4,const-one": (computed(1, 6, 9, 20), const(0.5, dtype="float")),
    "r4,const-ones": (computed(1, 6, 9, 20), const(0.5, dtype="float", shape=(1, 1, 1, 1))),
    "r4,const-scalar-first": (const(1.5, dtype="float", shape=()), computed(1, 6, 9, 20)),
    "r4,node-scalar": (computed(1, 6, 9, 20), node(1.5, dtype="float", shape=())),
    "r4,const-zero": (computed(1, 6, 9, 20), const(0.0, dtype="float", shape=())),
    "r4,const-neutral": (computed(1, 6, 9, 20), const(1.0, dtype="float", shape=())),
    "r5,const-whole": (computed(1, 3, 4, 9, 10), weight(1, 3, 4, 9, 10)),
    "r5,const-channel": (computed(1, 3, 4, 9, 10), weight(3, 1, 1, 1)),
    "r5,const-scalar": (computed(1, 3, 4, 9, 10), const(1.5, dtype="float", shape=())),
    "r6,const-scalar": (computed(1, 2, 3, 4, 5, 6), const(1.5, dtype="float", shape=())),
    "r2,again": (computed(7, 18), AGAIN),
    "r3,again": (computed(2, 9, 20), AGAIN),
    "r4,again": (computed(1, 6, 9, 20), AGAIN),
    "r5,again": (computed(1, 3, 4, 9, 10), AGAIN),
}
"""Two float inputs by how one is broadcast against the other, and which of them is constant or both are one value."""

INTEGER_FORMS = (
    "r3,row-first",
    "r3,line",
    "r4,channels",
    "r4,outer-product",
    "r3,const-before",
    "r4,const-whole",
    "r4,again",
    "r4,const-one",
)
"""The forms that integers and booleans are asked in, too."""

FEW = (
    "r2,row",
    "r3,matrix",
    "r4,channels",
    "r4,outer-product",
    "r5,row",
    "r3,const-before",
    "r4,const-channel",
    "r3,again",
)
"""The forms of operators that never run on the NPU."""


def cases() -> Iterator[Case]:
    """All cases of this file."""
    for op in BINARY:
        yield from _types(op)
        yield from _opsets(op)
        yield from _forms(op)
    yield from _broadcast_by_attribute()


def attributes_of(op: str, dtype: str) -> str:
    """The attributes that an operator needs for inputs of a type."""
    if op == "Mod":
        return "fmod = 1" if dtype in FLOATS else ""
    return 'direction = "RIGHT"' if op == "BitShift" else ""


def recast(arg: Arg, dtype: str) -> Arg:
    """The same input with another element type."""
    if arg is AGAIN or arg.dtype == dtype:
        return arg
    values = arg.values if dtype in FLOATS else tuple(max(1, round(v)) for v in arg.values)
    return Arg(arg.how, dtype, arg.shape, values)


def _opset(op: str, dtype: str) -> int:
    since = versions(op)[0]
    return 17 if since <= 17 and dtype in allowed_types(op, opset=17) else NEWEST


def _types(op: str) -> Iterator[Case]:
    for dtype in allowed_types(op):
        opset, attributes = _opset(op, dtype), attributes_of(op, dtype)
        ranks = tuple(RANKS) if dtype in MAIN else tuple(RANKS)[:3] if dtype in TAKEN and op in WIDE else (3,)
        for rank in () if dtype == "int16" else ranks:  # no model takes int16, a Cast makes it
            x = computed(*RANKS[rank], dtype=dtype)
            yield case(op, f"{dtype},rank{rank},same", [x, x], attributes, opset=opset)
            if dtype in TAKEN and rank == 3:
                yield case(
                    op, f"{dtype},rank{rank},constant", [x, weight(*RANKS[rank], dtype=dtype)], attributes, opset=opset
                )
        if dtype in ("int64", "int32", "bool", "int8", "int16") and (dtype == "int16" or op in (*ARITHMETIC, "Equal")):
            x = computed(*RANKS[4], dtype=dtype)
            yield case(op, f"{dtype},rank4,same", [x, x], attributes, position="between", opset=opset)


def _opsets(op: str) -> Iterator[Case]:
    types = allowed_types(op)
    dtype = next(t for t in ("float", "int32", "uint8", "bool") if t in types and (op, t) != ("Equal", "float"))
    x = computed(1, 7, 12, 13, dtype=dtype)
    for opset in sorted({max(since, 7) for since in versions(op)} | {NEWEST}):
        yield case(op, f"{dtype},r4,opset{opset}", [x, x], attributes_of(op, dtype), opset=opset)


def _forms(op: str) -> Iterator[Case]:
    types = allowed_types(op)
    if "float" in types:
        for slug in FORMS if op in WIDE else FEW:
            yield case(op, f"{slug},float", list(FORMS[slug]), attributes_of(op, "float"))
    for dtype in ("int64", "int32", "bool"):
        if dtype in types:
            for slug in INTEGER_FORMS if op in (*ARITHMETIC, "Equal", "And") else INTEGER_FORMS[::3]:
                args = [recast(arg, dtype) for arg in FORMS[slug]]
                yield case(op, f"{slug},{dtype}", args, attributes_of(op, dtype), opset=_opset(op, dtype))
    if op in ("Add", "Sub", "Mul", "Div", "Max", "Min"):
        for slug in ("r3,line", "r3,outer", "r4,channels", "r4,batched", "r4,both-ways", "r5,cube", "r3,const-before"):
            yield case(op, f"{slug},float", list(FORMS[slug]), position="between")


BY_ATTRIBUTE = (
    *(((5, 18), (18,), 1), ((5, 18), (5, 1), 0), ((5, 18), (1, 18), 0), ((5, 18), (5,), 0), ((2, 9, 14), (14,), None)),
    *(((2, 9, 14), (9, 14), 1), ((2, 9, 14), (9,), 1), ((2, 9, 14), (2, 9), 0), ((2, 9, 14), (1,), None)),
    *(((2, 6, 9, 20), (20,), None), ((2, 6, 9, 20), (20,), 3), ((2, 6, 9, 20), (6,), 1), ((2, 6, 9, 20), (9, 20), 2)),
    *(((2, 6, 9, 20), (6, 9), 1), ((2, 6, 9, 20), (2,), 0), ((1, 7, 7, 7), (7,), 1), ((1, 6, 9, 20), (6, 1, 1), 1)),
)
"""Shapes of two operands and the axis of the first at which the second begins, as opset 6 has it."""


def _broadcast_by_attribute() -> Iterator[Case]:
    """Opset 6, where attributes say what is broadcast, as numpy would or otherwise."""
    for op in ("Add", "Mul", "Div", "Sub"):
        for large, small, axis in BY_ATTRIBUTE if op in ("Add", "Mul") else BY_ATTRIBUTE[::3]:
            slug = f"{'x'.join(map(str, large))}-{'x'.join(map(str, small))},axis{axis},opset6"
            text = "broadcast = 1" if axis is None else f"axis = {axis}, broadcast = 1"
            yield case(op, slug, [computed(*large), computed(*small)], text, opset=6)
        yield case(
            op, "2x6x9x20-6,axis1,const,opset6", [computed(2, 6, 9, 20), weight(6)], "axis = 1, broadcast = 1", opset=6
        )
