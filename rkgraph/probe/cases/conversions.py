"""Cast and CastLike: every pair of element types, by rank, opset and neighbour."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import CODES, Case, case, computed, const, weight
from rkgraph.probe.schemas import NEWEST, TAKEN, allowed_types

RANKS = {1: (26,), 3: (2, 7, 15), 4: (2, 5, 8, 15)}

BETWEEN = ("float", "float16", "int64", "int32", "int16", "int8", "bool")
"""Types that a Cast from float makes: they are also asked in the middle of a model."""


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _pairs()
    yield from _high_ranks()
    yield from _opsets()
    yield from _chains()
    yield from _cast_like()


def _pairs() -> Iterator[Case]:
    targets = allowed_types("Cast")
    for source in allowed_types("Cast"):
        for target in targets:
            if source not in TAKEN and target not in ("float", source):
                continue
            ranks = (1, 3, 4) if "float" in (source, target) and {source, target} <= set(TAKEN) else (3,)
            for rank in ranks:
                x = computed(*RANKS[rank], dtype=source)
                yield case(
                    "Cast", f"{source}-{target},rank{rank}", [x], f"to = {CODES[target]}", opset=_opset(source, target)
                )


def _high_ranks() -> Iterator[Case]:
    """Ranks 2, 5 and 6 of the types that models have."""
    for shape in ((5, 18), (2, 3, 4, 5, 6), (1, 2, 3, 2, 5, 2)):
        for source in ("float", "float16", "int64", "int32", "int8", "bool"):
            for target in ("float", "float16", "int64", "int32", "int8", "int16", "bool"):
                x = computed(*shape, dtype=source)
                yield case("Cast", f"{source}-{target},rank{len(shape)}", [x], f"to = {CODES[target]}")


def _opset(*types: str) -> int:
    return NEWEST if any(t.startswith("float8") for t in types) else 17


def _opsets() -> Iterator[Case]:
    for opset in (6, 9, 13, 19):
        for source, target in (("float", "float16"), ("float", "int32"), ("int64", "float"), ("bool", "float")):
            x = computed(1, 6, 11, dtype=source)
            yield case("Cast", f"{source}-{target},opset{opset}", [x], f"to = {CODES[target]}", opset=opset)
    for saturate in (0, 1):
        for target in ("float16", "int32", "float8e5m2"):
            attributes = f"saturate = {saturate}, to = {CODES[target]}"
            yield case("Cast", f"float-{target},saturate{saturate}", [computed(1, 6, 11)], attributes, opset=19)


def _chains() -> Iterator[Case]:
    """Every pair of types that the middle of a model may have; rank 3 where it starts from integers, 4 from floats."""
    for source in BETWEEN:
        for target in BETWEEN:
            rank = 3 if source.startswith("int") else 4
            x = computed(*RANKS[rank], dtype=source)
            yield case("Cast", f"{source}-{target},middle", [x], f"to = {CODES[target]}", position="between")
    for shape in (
        (1, 1),
        (1, 3000),
        (3000, 1),
        (1, 8193),
        (6, 8193),
        (1, 3, 50, 60),
        (2, 3, 4, 5, 6),
        (1, 2, 3, 2, 3, 2),
    ):
        for source, target in (("float", "int64"), ("int64", "float"), ("int32", "float"), ("float", "bool")):
            x = computed(*shape, dtype=source)
            yield case("Cast", f"{source}-{target},{'x'.join(map(str, shape))}", [x], f"to = {CODES[target]}")


def _cast_like() -> Iterator[Case]:
    types = allowed_types("CastLike")
    for source in types:
        for target in types:
            both_taken = source in TAKEN and target in TAKEN
            if both_taken or "float" in (source, target):
                shapes = ((1,), (3,), (2, 7, 15), (7, 15), (2, 1, 15))
                how = computed(*shapes[len(source + target) % 5], dtype=target)
                args = [computed(2, 7, 15, dtype=source), how]
                yield case("CastLike", f"{source}-{target},computed", args, opset=_opset(source, target))
    for source, target in (("float", "int32"), ("int32", "float"), ("float", "float"), ("float16", "float")):
        args = [computed(2, 5, 7, 15, dtype=source), weight(3, dtype=target)]
        yield case("CastLike", f"{source}-{target},r4,const-target", args)
        for rank, shape in RANKS.items():
            yield case(
                "CastLike",
                f"{source}-{target},rank{rank}",
                [computed(*shape, dtype=source), computed(2, dtype=target)],
            )
    yield case("CastLike", "const-float", [const(1.0, dtype="float", shape=()), computed(2, 7, 15)])
    yield case(
        "CastLike", "float-float16,between", [computed(2, 7, 15), computed(2, dtype="float16")], position="between"
    )
    yield case("CastLike", "float-float,opset19", [computed(2, 7, 15), computed(2)], opset=19)
