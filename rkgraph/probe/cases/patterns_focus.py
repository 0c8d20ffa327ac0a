"""Every second row and column, four times, joined: the focus of detectors and the patch merging of Swin.

The compiler makes one convolution of it where the image is square, and runs six Slices on the CPU where it is not.
"""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import Case
from rkgraph.probe.pattern import Pattern, cases_of

__all__ = ["cases"]

_SIZES = ((12, 12, 16), (20, 20, 6), (14, 22, 16), (16, 10, 24))
"""Height, width and channels: square and not."""


def cases() -> Iterator[Case]:
    """One case for every node of every form."""
    for height, width, channels in _SIZES:
        yield from cases_of(_merging(height, width, channels))
        yield from cases_of(_focus(height, width, channels))


def _merging(height: int, width: int, channels: int) -> Pattern:
    """Channels last, rows first: Swin's patch merging."""
    return Pattern(
        f"merged-patches-{height}x{width}x{channels}",
        f"float[1,{height},{width},{channels}] x, float[{4 * channels},32] w1",
        """
a = Slice(x, i0, big, rows, two)
b = Slice(x, i1, big, rows, two)
c = Slice(a, i0, big, columns, two)
d = Slice(b, i0, big, columns, two)
e = Slice(a, i1, big, columns, two)
f = Slice(b, i1, big, columns, two)
j = Concat<axis = -1>(c, d, e, f)
r = Reshape(j, flat)
y = MatMul(r, w1)
""",
        constants=f"{_steps(1, 2)}, int64[3] flat = {{1, {height * width // 4}, {4 * channels}}}",
        probes="a b c d e f j",
    )


def _focus(height: int, width: int, channels: int) -> Pattern:
    """Channels first: the stem of detectors."""
    return Pattern(
        f"focused-{channels}x{height}x{width}",
        f"float[1,{channels},{height},{width}] x, float[8,{4 * channels},3,3] w1",
        """
a = Slice(x, i0, big, rows, two)
b = Slice(a, i0, big, columns, two)
c = Slice(x, i1, big, rows, two)
d = Slice(c, i1, big, columns, two)
e = Slice(a, i1, big, columns, two)
f = Slice(c, i0, big, columns, two)
j = Concat<axis = 1>(b, f, e, d)
y = Conv(j, w1)
""",
        constants=_steps(2, 3),
        probes="a b c d e f j",
    )


def _steps(rows: int, columns: int) -> str:
    return (
        "int64[1] i0 = {0}, int64[1] i1 = {1}, int64[1] big = {9223372036854775807}, int64[1] two = {2}, "
        f"int64[1] rows = {{{rows}}}, int64[1] columns = {{{columns}}}"
    )
