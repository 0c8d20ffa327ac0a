"""Arithmetic with constants whose values or places decide: exponents, divisors and neutral elements."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import Arg, Case, case, computed, const
from rkgraph.probe.schemas import allowed_types

RANKS = {1: (38,), 2: (5, 22), 3: (2, 7, 16), 4: (1, 6, 8, 11), 5: (1, 2, 3, 7, 9)}

EXPONENTS = (2.0, 3.0, 0.5, 1.0, -1.0, -0.5, 0.0, 4.0, 1.5, 0.3333333, -2.0, 2.2, 0.25, 2.5, 5.0, -3.0, 10.0)


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _powers()
    yield from _power_types()
    yield from _whole_divisions()
    yield from _neutral()


def _number(value: float, dtype: str) -> Arg:
    whole = dtype not in ("float", "float16", "double", "bfloat16")
    return const(int(value) if whole else value, dtype=dtype, shape=())


def _powers() -> Iterator[Case]:
    for exponent in EXPONENTS:
        for rank, shape in RANKS.items():
            if rank in (3, 4) or exponent in (2.0, 0.5, 1.0, 3.0):
                yield case("Pow", f"exponent{exponent},r{rank}", [computed(*shape), _number(exponent, "float")])
        if exponent in (2.0, 3.0, 0.5, -0.5):
            for rank in (2, 3, 4):
                args = [computed(*RANKS[rank]), _number(exponent, "float")]
                yield case("Pow", f"exponent{exponent},r{rank}", args, position="between")
    x = computed(*RANKS[4])
    yield case("Pow", "exponents,channels", [x, const(2.0, 3.0, 1.0, 0.5, 2.0, 2.0, dtype="float", shape=(6, 1, 1))])
    yield case("Pow", "exponents,alike", [x, const(*[2.0] * 6, dtype="float", shape=(6, 1, 1))])
    yield case("Pow", "exponents,alike,whole", [computed(5, 6), const(*[2.0] * 30, dtype="float", shape=(5, 6))])
    yield case("Pow", "exponents,fours", [x, const(*[4.0] * 6, dtype="float", shape=(6, 1, 1))])
    yield case("Pow", "exponent-computed-one", [x, computed(1)])
    for rank in (1, 3, 4):
        yield case("Pow", f"base2,r{rank}", [_number(2.0, "float"), computed(*RANKS[rank])])
    for first, second in (
        ((16,), (2, 7, 16)),
        ((7, 16), (2, 7, 16)),
        ((11,), (1, 6, 8, 11)),
        ((6, 8, 11), (1, 6, 8, 11)),
    ):
        for op in ("Pow", "Max", "Equal", "Greater", "Div", "Sub"):
            slug = f"grows,{'x'.join(map(str, first))}-{'x'.join(map(str, second))}"
            yield case(op, slug, [computed(*first), computed(*second)])


def _power_types() -> Iterator[Case]:
    """The exponent may be of another type than the base."""
    for base in ("float", "int64", "int32", "float16"):
        for exponent in allowed_types("Pow", 1):
            if exponent in ("bfloat16", "uint16", "uint32", "uint64") or (base == exponent and base != "int32"):
                continue
            yield case(
                "Pow",
                f"{base}-{exponent},computed",
                [computed(2, 7, 16, dtype=base), computed(2, 7, 16, dtype=exponent)],
            )
            yield case("Pow", f"{base}-{exponent},const", [computed(*RANKS[4], dtype=base), _number(2, exponent)])


def _whole_divisions() -> Iterator[Case]:
    """Whole numbers by constants without a zero, with one, and by what is computed."""
    for op, text in (("Div", ""), ("Mod", ""), ("Mod", "fmod = 1")):
        name = text.replace(" = ", "") or "plain"
        for dtype in ("int64", "int32", "int8", "uint8"):
            for rank, shape in RANKS.items():
                x = computed(*shape, dtype=dtype)
                yield case(op, f"{dtype},{name},r{rank},by3", [x, _number(3, dtype)], text)
                yield case(op, f"{dtype},{name},r{rank},computed", [x, x], text)
                if rank in (2, 4) and dtype.startswith("int"):
                    row = const(*[2 + i % 5 for i in range(shape[-1])], dtype=dtype)
                    zeros = const(*[i % 5 for i in range(shape[-1])], dtype=dtype)
                    yield case(op, f"{dtype},{name},r{rank},row", [x, row], text)
                    yield case(op, f"{dtype},{name},r{rank},row-with-0", [x, zeros], text)
                    yield case(op, f"{dtype},{name},r{rank},by3", [x, _number(3, dtype)], text, position="between")
        for value in (1, -2, 16, 0):
            yield case(op, f"int64,{name},by{value}", [computed(5, 22, dtype="int64"), _number(value, "int64")], text)
        yield case(op, f"int64,{name},of100", [_number(100, "int64"), computed(5, 22, dtype="int64")], text)
    for dtype in ("float", "float16", "double"):
        yield case(
            "Mod", f"{dtype},fmod1,by-const", [computed(*RANKS[3], dtype=dtype), _number(2.5, dtype)], "fmod = 1"
        )
    yield case(
        "Mod",
        "float,fmod1,by-const,between",
        [computed(*RANKS[3]), _number(2.5, "float")],
        "fmod = 1",
        position="between",
    )


def _neutral() -> Iterator[Case]:
    """Constants that leave the other input as it is, or make it zero."""
    for op, value in (
        ("Add", 0.0),
        ("Sub", 0.0),
        ("Mul", 1.0),
        ("Div", 1.0),
        ("Mul", 0.0),
        ("Mul", -1.0),
        ("Add", 70000.0),
    ):
        for rank in (2, 3, 4, 5):
            slug = f"by{value},r{rank}"
            yield case(op, slug, [computed(*RANKS[rank]), _number(value, "float")])
            if rank in (3, 4):
                yield case(op, slug, [computed(*RANKS[rank]), _number(value, "float")], position="between")
    for dtype in ("int64", "int32"):
        for op in ("Add", "Sub", "Mul"):
            for rank in (1, 2, 4):
                yield case(op, f"{dtype},by2,r{rank}", [computed(*RANKS[rank], dtype=dtype), _number(2, dtype)])
