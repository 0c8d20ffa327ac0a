"""Softmax, LogSoftmax and Hardmax by rank, axis, opset and size."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import Case, case, computed
from rkgraph.probe.schemas import TAKEN, allowed_types

RANKS = {
    1: ((21,),),
    2: ((5, 18), (1, 27)),
    3: ((2, 9, 14), (1, 11, 13)),
    4: ((2, 6, 9, 14), (1, 5, 8, 11)),
    5: ((1, 3, 4, 6, 7), (2, 3, 4, 6, 7)),
    6: ((1, 2, 3, 4, 5, 6),),
}

SIZES = (
    *((1, 8191), (1, 8192), (1, 8193), (1, 20000), (300, 8193), (1, 7, 8192), (1, 7, 8193), (1, 8193, 7), (8193, 5, 6)),
    *((1, 2, 3, 8191), (1, 2, 3, 8192), (1, 2, 3, 8193), (1, 2, 8191, 3), (1, 2, 8192, 3), (1, 2, 8193, 3)),
    *((1, 8191, 2, 3), (1, 8193, 2, 3), (8, 1, 1, 1), (1, 12, 128, 128), (1, 1, 1, 1), (1, 1), (1, 1, 5000, 5000)),
)
"""Asked over the last axis, and of rank 4 over the second, too."""


def cases() -> Iterator[Case]:
    """All cases of this file."""
    for op in ("Softmax", "LogSoftmax", "Hardmax"):
        yield from _axes(op)
        yield from _types(op)
    yield from _sizes()


def _axes(op: str) -> Iterator[Case]:
    for opset in (13, 11):
        for rank, shapes in RANKS.items():
            for shape in shapes if op == "Softmax" else shapes[:1]:
                batch = f",batch{shape[0]}" if rank > 1 else ""
                if rank > 1 or opset == 13:  # the older default is axis 1
                    yield case(op, f"opset{opset},r{rank}{batch},bare", [computed(*shape)], opset=opset)
                for axis in range(-1, rank) if op == "Softmax" or opset == 13 else (0, rank - 1):
                    slug = f"opset{opset},r{rank}{batch},axis{axis}"
                    yield case(op, slug, [computed(*shape)], f"axis = {axis}", opset=opset)
    for opset in (7, 9):
        for shape in ((5, 18), (1, 5, 8, 11)):
            yield case(op, f"opset{opset},r{len(shape)},bare", [computed(*shape)], opset=opset)
            yield case(
                op, f"opset{opset},r{len(shape)},last", [computed(*shape)], f"axis = {len(shape) - 1}", opset=opset
            )
    yield case(op, "opset19,r3,last", [computed(1, 11, 13)], "axis = -1", opset=19)
    for axis in (1, 2, -1):
        yield case(op, f"r4,axis{axis}", [computed(1, 5, 8, 11)], f"axis = {axis}", position="between")
        yield case(op, f"r3,axis{axis}", [computed(1, 11, 13)], f"axis = {axis}", position="between")


def _types(op: str) -> Iterator[Case]:
    for dtype in allowed_types(op):
        for shape in ((21,), (5, 18), (1, 11, 13), (1, 5, 8, 11)) if dtype in TAKEN else ((1, 11, 13),):
            yield case(op, f"{dtype},rank{len(shape)},last", [computed(*shape, dtype=dtype)], "axis = -1")
            if len(shape) == 4:
                yield case(op, f"{dtype},rank{len(shape)},channel", [computed(*shape, dtype=dtype)], "axis = 1")


def _sizes() -> Iterator[Case]:
    for shape in SIZES:
        slug = "x".join(map(str, shape))
        if len(shape) < 4 or max(shape) < 5000 or shape[0] == 1:
            yield case("Softmax", f"last,{slug}", [computed(*shape)], "axis = -1")
        if len(shape) == 4 and max(shape) < 9000:
            for axis in (1, 2):
                yield case("Softmax", f"axis{axis},{slug}", [computed(*shape)], f"axis = {axis}")
