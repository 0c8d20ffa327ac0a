"""Reshape between shapes drawn at random: which of them move data across the NPU's lanes, and which do not."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import Case, case, computed, const

__all__ = ["cases"]

PAIRS = """
1x7x180>1x1260 1x45x28>1x1260 1x28x45>1x1260 1x210x6>1x1260 1x12x28>1x336 1x80x6>1x40x12 1x6x168>1x12x84
1x2x168>1x16x21 1x8x60>1x16x30 1x12x20>1x4x60 1x120x12>1x4x360 1x2x504>1x4x252 1x120x6>1x40x18 1x24x96>12x16x12
1x8x42>4x6x14 1x12x28>1x21x16 1x20x24>1x480x1x1 1x48x10>40x1x6x2 1x72x10>1x24x15x2 1x192x12>1x8x4x72
1x160x6>1x2x48x10 1x4x84>1x2x84x2 1x180x7>1x30x3x14 1x128x12>2x48x4x4 1x24x42>1x2x84x6 1x12x60>1x30x4x6
1x12x28>21x4x4x1 1x21x30x2>1x1260 1x4x126x2>1x1008 1x15x42x2>1x1260 1x4x12x7>1x336 1x16x5x12>1x960
1x3x3x140>1x1260 1x3x4x60>1x4x180 1x10x6x4>1x20x12 1x20x1x12>1x48x5 1x4x120x1>1x40x12 1x2x84x6>1x504x2
1x10x4x12>1x16x30 1x4x20x6>16x15x2 1x4x6x14>1x1x336 1x14x18x5>1x105x12 1x1x42x30>1x210x6 1x1x210x6>1x90x14
1x64x2x18>24x4x2x12 1x24x10x2>1x15x2x16 1x3x1x80>1x4x10x6 1x8x6x7>1x1x84x4 1x30x6x7>1x5x6x42 1x15x6x8>1x72x5x2
1x6x8x15>1x20x36x1 1x24x1x60>1x32x45x1 1x6x30x4>60x6x1x2 1x10x24x3>20x1x3x12 1x36x2x10>1x2x20x18 1x120x8>1x960
1x4x240>1x960 1x80x6>1x480 1x6x120>1x720 1x30x48>1x1440 1x120x12>1x1440 1x32x48>1x1536 1x168x6>1x1008
1x8x30>1x240 1x8x42>1x336 1x2x168>1x336 1x8x192>1x32x48 1x120x8>1x40x24 1x16x144>1x2x1152 1x240x2>30x8x2
1x64x24>1x48x32 1x40x24>1x2x20x24 1x20x24>1x6x5x16 1x40x24>1x24x5x8 1x180x8>1x2x2x360 1x2x360>1x6x60x2
1x32x72>1x12x48x4 1x20x48>2x2x40x6 1x10x48>1x2x12x20 1x12x128>1x24x16x4 1x126x8>1x3x168x2 1x120x6>1x15x8x6
1x3x10x24>1x720 1x10x12x2>1x240 1x6x40x4>1x960 1x20x6x4>1x480 1x2x20x18>1x720 1x84x1x4>1x336 1x24x5x2>1x240
1x6x56x1>1x336 1x42x4x2>1x336 1x1x10x72>1x720 1x12x8x16>1x1536 1x2x64x12>1x12x128 1x4x30x2>1x120x2
1x6x4x60>1x20x72 1x20x6x12>1x12x120 1x6x14x12>1x42x24 1x2x6x40>2x30x8 1x4x80x3>120x8x1 1x4x30x12>1x60x24
1x32x12x6>1x48x48 1x1x4x60>1x12x20 1x28x12x1>1x12x28 1x32x24x2>1x1x32x48 1x6x96x4>1x4x12x48 1x1x60x21>1x6x10x21
1x15x2x8>1x6x8x5 1x10x42x3>1x14x30x3 1x3x24x32>1x2x12x96 1x24x2x48>1x48x2x24 1x40x12x2>10x48x1x2
1x4x192x2>16x4x3x8 1x24x4x24>1x3x128x6 1x20x6x4>1x60x2x4
"""
"""Shape before and after. What decides is whether the planes (all dimensions after the second) are multiples of 8."""


def cases() -> Iterator[Case]:
    """One Reshape between neighbours for every pair."""
    for pair in PAIRS.split():
        before, after = (tuple(map(int, shape.split("x"))) for shape in pair.split(">"))
        slug = f"float,{pair.replace('>', 'to')}"
        yield case("Reshape", slug, [computed(*before), const(*after)], position="between")
