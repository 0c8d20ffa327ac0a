"""Softmax behind a mask: filled by Where in either order, or added, at every rank; and norms of a single row."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from rkgraph.probe.case import Case
from rkgraph.probe.pattern import Pattern, cases_of

__all__ = ["cases"]

SHAPES = (
    *((20,), (1, 30), (4, 20), (1, 6, 20), (3, 6, 20), (1, 6, 12, 20), (2, 5, 12, 20), (1, 7, 1, 20)),
    *((1, 2, 3, 12, 20), (1, 2, 8, 9)),
)


def cases() -> Iterator[Case]:
    """All cases of this file."""
    for shape, filled, wide in product(SHAPES, ("fill-first", "data-first"), (True, False)):
        if filled == "fill-first" or shape in ((4, 20), (1, 6, 12, 20)):
            yield from _filled(shape, filled, wide=wide)
    yield from _behind_products()
    for shape in SHAPES:
        yield from _added(shape)
    for rows, width in ((1, 48), (1, 256), (2, 48), (9, 512)):
        yield from _normalised(rows, width)


def _filled(shape: tuple[int, ...], filled: str, *, wide: bool) -> Iterator[Case]:
    """A mask of the same shape, or of one row for all."""
    text = ",".join(map(str, shape))
    row = ",".join([*["1"] * (len(shape) - 1), str(shape[-1])])
    mask = text if wide else row
    where = "Where(e, low, x)" if filled == "fill-first" else "Where(e, x, low)"
    for source, inputs, first in (
        ("computed", f"int64[{mask}] ids", "e = Cast<to = 9>(ids)"),
        ("constant", f"bool[{mask}] w1", ""),
    ):
        body = f"{first}\nw = {where}\ny = Softmax<axis = -1>(w)"
        yield from cases_of(
            Pattern(
                f"masked-{'x'.join(map(str, shape))}-{filled}-{'same' if wide else 'row'}-{source}",
                f"float[{text}] x, {inputs}",
                body if first else body.replace("(e,", "(w1,"),
                constants="float low = {-10000.0}",
                probes="w y" if source == "computed" else "w",
            )
        )


def _behind_products() -> Iterator[Case]:
    """The scores of attention, four heads or five, with masks of every shape that broadcasts."""
    for heads, mask, source in product((4, 5), ("1,1,1,14", "1,1,14,14", "1,{},14,14"), ("computed", "constant")):
        form = mask.format(heads)
        inputs = f"int64[{form}] ids" if source == "computed" else f"bool[{form}] w1"
        first = "e = Cast<to = 9>(ids)" if source == "computed" else ""
        yield from cases_of(
            Pattern(
                f"masked-scores-{heads}-{form.replace(',', 'x')}-{source}",
                f"float[1,{heads},14,8] x, float[1,{heads},8,14] x2, float[1,{heads},14,8] x3, {inputs}",
                f"s = MatMul(x, x2)\n{first}\nw = Where({'e' if first else 'w1'}, s, low)\n"
                "p = Softmax<axis = -1>(w)\ny = MatMul(p, x3)",
                constants="float low = {-10000.0}",
                probes="w p" if source == "computed" else "w",
            )
        )


def _added(shape: tuple[int, ...]) -> Iterator[Case]:
    text, row = ",".join(map(str, shape)), ",".join([*["1"] * (len(shape) - 1), str(shape[-1])])
    yield from cases_of(
        Pattern(
            f"masked-{'x'.join(map(str, shape))}-added",
            f"float[{text}] x, float[{row}] x2",
            "w = Add(x, x2)\ny = Softmax<axis = -1>(w)",
        )
    )


def _normalised(rows: int, width: int) -> Iterator[Case]:
    """LayerNorm and RMSNorm by parts over few rows, as a decoder has them that makes one token at a time."""
    inputs = f"float[1,{rows},{width}] x, float[1,{rows},{width}] x2, float[{width}] w1, float[{width}] w2"
    yield from cases_of(
        Pattern(
            f"norm-parts-{rows}x{width}",
            inputs,
            """
a = Add(x, x2)
m = ReduceMean<axes = [-1]>(a)
d = Sub(a, m)
q = Pow(d, t)
v = ReduceMean<axes = [-1]>(q)
n = Add(v, e)
s = Sqrt(n)
r = Div(d, s)
g = Mul(r, w1)
y = Add(g, w2)
""",
            constants="float t = {2.0}, float e = {0.00001}",
        )
    )
    yield from cases_of(
        Pattern(
            f"norm-rms-{rows}x{width}",
            inputs.rsplit(", ", 1)[0],
            """
a = Add(x, x2)
q = Pow(a, t)
v = ReduceMean<axes = [-1]>(q)
n = Add(v, e)
s = Sqrt(n)
i = Div(o, s)
r = Mul(a, i)
y = Mul(w1, r)
""",
            constants="float t = {2.0}, float e = {0.00001}, float o = {1.0}",
        )
    )
