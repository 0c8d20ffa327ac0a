"""Element by element at ranks 5 and 6, with a batch and without; and constants that are wider than what is computed."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import Arg, Case, case, computed, const, weight

SHAPES = (
    *((1, 2, 3, 4, 5), (2, 2, 3, 4, 5), (3, 1, 4, 6, 7), (1, 6, 1, 4, 7), (5, 3, 2, 2, 2), (2, 1, 1, 1, 9)),
    *((1, 1, 1, 5, 6), (4, 6, 1, 8, 1), (1, 1, 2, 3, 4, 5), (2, 3, 2, 3, 2, 3), (1, 3, 2, 3, 2, 4), (2, 1, 2, 1, 2, 3)),
)

UNARY = ("Neg", "Sqrt", "Relu")
BINARY = ("Add", "Sub", "Mul", "Div", "Max")

GROWING = (
    *(((1, 9, 20), (3, 9, 20)), ((9, 20), (3, 9, 20)), ((6, 1), (6, 20)), ((1, 20), (7, 20)), ((20,), (7, 20))),
    *(((1, 1, 8, 10), (1, 5, 8, 10)), ((1, 6, 1, 1), (1, 6, 9, 20)), ((1, 6, 8, 10), (3, 6, 8, 10))),
    *(((2, 1, 20), (2, 9, 20)), ((2, 9, 1), (2, 9, 20)), ((1, 6, 9, 1), (1, 6, 9, 20)), ((1, 6, 1, 20), (1, 6, 9, 20))),
)
"""A computed shape, and that of a constant against which it is broadcast."""


def cases() -> Iterator[Case]:
    """All cases of this file."""
    for shape in SHAPES:
        slug = "x".join(map(str, shape))
        for op in UNARY:
            yield case(op, f"high,{slug}", [computed(*shape)])
        for op in BINARY:
            for name, other in (
                _others(shape).items()
                if op in ("Add", "Max")
                else (("same", computed(*shape)), ("const", weight(*shape)))
            ):
                yield case(op, f"high,{slug},{name}", [computed(*shape), other])
        yield from _where(shape, slug)
    yield from _softmaxes()
    yield from _growing()


def _others(shape: tuple[int, ...]) -> dict[str, Arg]:
    ones = [1] * (len(shape) - 2)
    return {
        "same": computed(*shape),
        "scalar": const(1.5, dtype="float", shape=()),
        "channel": computed(1, shape[1], *ones),
        "const-channel": weight(1, shape[1], *ones),
        "const": weight(*shape),
    }


def _where(shape: tuple[int, ...], slug: str) -> Iterator[Case]:
    x, fill = computed(*shape), const(-30.0, dtype="float", shape=())
    same = computed(*shape, dtype="bool")
    outer = computed(*shape[:2], *[1] * (len(shape) - 2), dtype="bool")
    last = computed(*[1] * (len(shape) - 1), shape[-1], dtype="bool")
    for name, mask in {"same": same, "outer": outer, "last": last}.items():
        yield case("Where", f"high,{slug},{name},both", [mask, x, x])
        yield case("Where", f"high,{slug},{name},fill", [mask, fill, x])


def _softmaxes() -> Iterator[Case]:
    for shape in SHAPES:
        for axis in range(len(shape)):
            slug = "x".join(map(str, shape))
            if axis >= len(shape) - 2:
                yield case("Softmax", f"high,{slug},axis{axis}", [computed(*shape)], f"axis = {axis}")


def _growing() -> Iterator[Case]:
    for small, large in GROWING:
        slug = f"{'x'.join(map(str, small))}-{'x'.join(map(str, large))}"
        for op in ("Add", "Mul", "Sub", "Max"):
            yield case(op, f"grows,{slug},const", [computed(*small), weight(*large)])
            if op == "Sub":
                yield case(op, f"grows,{slug},const-first", [weight(*large), computed(*small)])
