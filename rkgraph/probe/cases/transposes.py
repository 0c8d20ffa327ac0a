"""Transpose: every order of up to four dimensions, most of five, and sizes around the compiler's limits."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from rkgraph.probe.case import Arg, Case, case, computed

__all__ = ["cases"]

SHAPES = {
    1: (40,),
    2: (10, 28),
    3: (3, 14, 20),
    4: (1, 6, 10, 28),
    5: (1, 3, 6, 4, 10),
}
BATCHED = {2: (1, 36), 3: (1, 10, 36), 4: (3, 4, 14, 10), 5: (2, 3, 4, 6, 5)}
"""The same ranks with another batch."""

SIX = (
    ((1, 1, 3, 2, 5, 7), (0, 1, 4, 2, 5, 3)),
    ((2, 3, 2, 4, 3, 5), (0, 1, 4, 2, 5, 3)),
    ((1, 5, 2, 2, 6, 3), (0, 1, 4, 2, 5, 3)),
    ((1, 2, 3, 4, 6, 5), (0, 3, 4, 1, 5, 2)),
    ((1, 2, 3, 4, 6, 5), (0, 1, 2, 5, 4, 3)),
    ((2, 3, 2, 4, 3, 5), (0, 1, 2, 5, 4, 3)),
    ((1, 3, 4, 2, 5, 2), (0, 1, 3, 5, 2, 4)),
    ((1, 3, 7, 3, 7, 20), (0, 1, 3, 2, 4, 5)),
    ((4, 3, 7, 3, 7, 20), (0, 1, 3, 2, 4, 5)),
    ((2, 3, 2, 4, 3, 5), (0, 3, 4, 1, 5, 2)),
    ((2, 3, 2, 4, 3, 5), (1, 0, 2, 3, 4, 5)),
    ((2, 3, 2, 4, 3, 5), (5, 4, 3, 2, 1, 0)),
    ((2, 3, 2, 4, 3, 5), (0, 2, 4, 1, 3, 5)),
    ((1, 4, 1, 6, 1, 10), (0, 3, 2, 1, 4, 5)),
    ((1, 1, 3, 1, 5, 7), (0, 4, 1, 3, 5, 2)),
)
"""Shapes and orders of six dimensions: pixel shuffle and its inverse, windows of Swin, patches. The compiler never ends
on some of those that no merging of neighbouring dimensions makes smaller; they take a minute each, so they are few."""

HEADS = ((0, 2, 1, 3), (0, 2, 3, 1), (0, 1, 3, 2), (0, 3, 1, 2), (1, 0, 2, 3), (2, 0, 1, 3), (0, 3, 2, 1))


def cases() -> Iterator[Case]:
    """All cases of this file."""
    yield from _orders()
    yield from _dtypes()
    yield from _sizes()
    yield case("Transpose", "float,r3,default", [computed(3, 10, 20)])
    yield case("Transpose", "float,r4,default", [computed(1, 3, 12, 20)], position="between")
    for opset in (7, 11, 19):
        yield transpose(f"float,r4,0231,opset{opset}", computed(1, 5, opset, 12), (0, 2, 3, 1), opset=opset)


def transpose(slug: str, x: Arg, order: tuple[int, ...], *, position: str = "alone", opset: int = 17) -> Case:
    """One Transpose."""
    return case("Transpose", slug, [x], f"perm = [{', '.join(map(str, order))}]", position=position, opset=opset)


def _name(order: tuple[int, ...]) -> str:
    return "".join(map(str, order))


def _orders() -> Iterator[Case]:
    for rank in (1, 2, 3, 4):
        for order in permutations(range(rank)):
            for position in ("alone", "between"):
                yield transpose(f"float,r{rank},{_name(order)}", computed(*SHAPES[rank]), order, position=position)
            if rank > 1:
                yield transpose(f"float,r{rank},{_name(order)},other-batch", computed(*BATCHED[rank]), order)
            if rank == 4:
                yield transpose(f"float,r4,{_name(order)},batch8", computed(8, 3, 10, 16), order)
                yield transpose(f"float,r4,{_name(order)},batch2", computed(2, 4, 7, 5), order, position="between")
    for number, order in enumerate(permutations(range(5))):
        if order[0] == 0 or number % 3 == 0:
            yield transpose(f"float,r5,{_name(order)}", computed(*SHAPES[5]), order)
        if order[0] == 0 and number % 2:
            yield transpose(f"float,r5,{_name(order)}", computed(*SHAPES[5]), order, position="between")
        if number % 8 == 3:
            yield transpose(f"float,r5,{_name(order)},other-batch", computed(*BATCHED[5]), order)
    for shape, order in SIX:
        yield transpose(f"float,r6,{_name(order)},{'x'.join(map(str, shape))}", computed(*shape), order)
    for shape, order in SIX[:2] + SIX[3:6]:
        slug = f"float,r6,{_name(order)},{'x'.join(map(str, shape))}"
        yield transpose(slug, computed(*shape), order, position="between")


def _dtypes() -> Iterator[Case]:
    for dtype in ("float16", "double", "int64", "int32", "int8", "uint8", "bool"):
        for rank, order in ((2, (1, 0)), (3, (0, 2, 1)), (4, (0, 2, 1, 3)), (4, (0, 2, 3, 1)), (5, (0, 2, 1, 4, 3))):
            yield transpose(f"{dtype},r{rank},{_name(order)}", computed(*SHAPES[rank], dtype=dtype), order)
    for dtype in ("int16", "uint32", "complex64"):
        yield transpose(f"{dtype},r3,021", computed(1, 8, 22, dtype=dtype), (0, 2, 1))
    for dtype in ("int64", "int32", "bool"):
        for order in ((0, 2, 1, 3), (0, 2, 3, 1)):
            for position in ("between", "inside"):
                x = computed(1, 6, 10, 26, dtype=dtype)
                yield transpose(f"{dtype},r4,{_name(order)}", x, order, position=position)


def _sizes() -> Iterator[Case]:
    shapes = [(1, 6, height, width) for height, width in ((63, 65), (64, 128), (128, 64), (96, 96), (100, 163))]
    shapes += [(1, 3, 128, 128), (1, 3, 129, 129), (1, 8, 256, 256)]
    shapes += [(1, c, 5, 6) for c in (8191, 8192, 8193)]
    shapes += [(1, 4, n, 6) for n in (8191, 8192, 8193)] + [(1, 4, 6, n) for n in (8191, 8192, 8193)]
    shapes += [(1, 16, 64, 128), (1, 32, 64, 129), (1, 1, 20, 30), (1, 12, 1, 30), (1, 12, 20, 1)]
    for shape in shapes:
        for order in HEADS if shape[3] > 90 else HEADS[:4]:
            yield transpose(f"float,r4,{_name(order)},{'x'.join(map(str, shape[1:]))}", computed(*shape), order)
    for shape in (
        (1, 4, 16, 8),
        (1, 8, 10, 5),
        (1, 12, 10, 14),
        (1, 16, 7, 5),
        (2, 3, 8, 14),
        (2, 6, 16, 5),
        (1, 20, 8, 16),
    ):
        for order in (*HEADS[:4], (0, 3, 2, 1)):
            yield transpose(
                f"float,r4,{_name(order)},{'x'.join(map(str, shape))}", computed(*shape), order, position="between"
            )
    for channels in (1, 4, 8, 16, 20, 32):
        for order in ((0, 2, 3, 1), (0, 2, 1, 3)):
            yield transpose(f"float,r4,{_name(order)},aligned{channels}", computed(1, channels, 10, 14), order)
    for rows, columns in ((90, 90), (91, 91), (128, 64), (256, 320), (8191, 6), (8192, 6), (6, 8191), (6, 8192)):
        yield transpose(f"float,r2,10,{rows}x{columns}", computed(rows, columns), (1, 0))
        yield transpose(f"float,r3,021,{rows}x{columns}", computed(1, rows, columns), (0, 2, 1))
        if max(rows, columns) < 1000:  # the neighbours' weights grow with the square
            yield transpose(f"float,r3,021,{rows}x{columns}", computed(1, rows, columns), (0, 2, 1), position="between")
        yield transpose(f"float,r3,102,{rows}x{columns}", computed(rows, 2, columns), (1, 0, 2))
    for tokens, heads, width in ((197, 6, 32), (256, 4, 64), (1024, 2, 40), (8191, 2, 16), (8192, 2, 16)):
        x = computed(1, tokens, heads, width)
        for order in ((0, 2, 1, 3), (0, 2, 3, 1)):
            slug = f"float,r4,{_name(order)},heads{tokens}x{heads}x{width}"
            yield transpose(slug, x, order)
            if tokens < 2000:
                yield transpose(slug, x, order, position="between")
