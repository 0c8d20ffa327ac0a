"""Masks that are constant and hide nothing, as decoders with a cache have them for one new token: they are dropped."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import Case
from rkgraph.probe.pattern import Pattern, cases_of

__all__ = ["cases"]


def cases() -> Iterator[Case]:
    """The Where of every mask."""
    for heads, rows, columns in ((4, 1, 14), (3, 6, 10), (5, 2, 9)):
        for shape in ((1, 1, rows, columns), (1, 1, 1, columns), (rows, columns)):
            yield from cases_of(_kept(heads, rows, columns, shape))


def _kept(heads: int, rows: int, columns: int, shape: tuple[int, ...]) -> Pattern:
    size = 1
    for dimension in shape:
        size *= dimension
    ones = ", ".join(["1"] * size)
    return Pattern(
        f"kept-scores-{heads}x{rows}x{columns}-{'x'.join(map(str, shape))}",
        f"float[1,{heads},{rows},8] q, float[1,{heads},8,{columns}] k, float[1,{heads},{columns},8] v",
        """
s = MatMul(q, k)
m = Where(mask, s, fill)
p = Softmax<axis = -1>(m)
y = MatMul(p, v)
""",
        constants=f"bool[{','.join(map(str, shape))}] mask = {{{ones}}}, float fill = {{-10000.0}}",
        probes="m",
    )
