"""Instances drawn at random, the same every time: no size, rank or form goes with another by our choice of it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from random import Random

from rkgraph.probe.case import CODES, Arg, Case, case, computed, const, weight
from rkgraph.probe.cases.binary_forms import attributes_of

SIZES = (1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 16, 19, 24, 31, 40)
UNARY = ("Neg", "Sqrt", "Abs", "Softmax", "Clip", "Cast")
BINARY = ("Add", "Sub", "Mul", "Div", "Max", "Pow", "Equal", "Where", "PRelu")
EACH = 40


def cases() -> Iterator[Case]:
    """All cases of this file."""
    for op in (*UNARY, *BINARY):
        draw = Random(zlib.crc32(op.encode()))  # noqa: S311 -- reproducible, not secret
        for number in range(EACH):
            position = "between" if draw.random() < 0.25 and op != "Where" else "alone"
            if op in UNARY:
                args, attributes = _one(op, draw)
            else:
                args, attributes = _two(op, draw)
            yield case(op, f"drawn{number}", args, attributes, position=position)


def _shape(draw: Random) -> tuple[int, ...]:
    """Mostly of the ranks that models have, and never above some ten thousand elements."""
    rank = draw.choices((1, 2, 3, 4, 5, 6), (2, 4, 5, 6, 3, 1))[0]
    sizes = SIZES if rank < 5 else SIZES[:10]
    return tuple(draw.choice(sizes) for _ in range(rank))


def _one(op: str, draw: Random) -> tuple[list[Arg], str]:
    shape = _shape(draw)
    if op == "Softmax":
        return [computed(*shape)], f"axis = {draw.randrange(-1, len(shape))}"
    if op == "Cast":
        source, target = draw.sample(("float", "float", "float16", "int64", "int32", "bool"), 2)
        return [computed(*shape, dtype=source)], f"to = {CODES[target]}"
    if op == "Clip":
        return [computed(*shape), const(-1.5, dtype="float", shape=()), const(2.5, dtype="float", shape=())], ""
    return [computed(*shape)], ""


def _two(op: str, draw: Random) -> tuple[list[Arg], str]:
    dtype = draw.choices(("float", "int32", "int64"), (8, 1, 1))[0] if op not in ("PRelu", "Where", "Div") else "float"
    shape = _shape(draw)
    other = _partner(shape, draw)
    if op == "PRelu":
        return [computed(*shape), weight(*other)], ""
    second = weight(*other, dtype=dtype) if draw.random() < 0.4 else computed(*other, dtype=dtype)
    if op == "Pow" and second.how == "w":  # its value decides: see arithmetic_constants
        second = const(draw.choice((2.0, 3.0, 0.5, 4.0, -1.0)), dtype="float", shape=())
        dtype = "float"
    operands = [computed(*shape, dtype=dtype), second]
    if draw.random() < 0.3:
        operands.reverse()
    if op == "Where":
        return [computed(*_partner(shape, draw), dtype="bool"), *operands], ""
    return operands, attributes_of(op, dtype)


def _partner(shape: Sequence[int], draw: Random) -> tuple[int, ...]:
    """A shape that is broadcast against another: the same, one element, some dimensions of 1, perhaps of lower rank."""
    kind = draw.random()
    if kind < 0.3:
        return tuple(shape)
    if kind < 0.4:
        return (1,)
    partner = tuple(size if draw.random() < 0.6 else 1 for size in shape)
    return partner[draw.randrange(len(partner)) :] if draw.random() < 0.4 else partner
