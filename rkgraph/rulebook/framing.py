"""Frames of a signal, each a fixed step behind the one before, put together from blocks of one step.

A frame of `length` samples reaches into ⌈length/step⌉ blocks. Cut into blocks once, the signal gives all frames by so
many slices and one Concat: no sample is gathered by its index, and compilers move blocks as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rkgraph.rulebook.writer import Writer

__all__ = ["Framing", "frames"]


@dataclass(frozen=True)
class Framing:
    """Frames of `length` samples of `batch` signals of `samples`, each `step` behind the one before."""

    batch: int
    samples: int
    step: int
    length: int

    @property
    def count(self) -> int:
        """How many frames fit."""
        return 1 + (self.samples - self.length) // self.step

    @property
    def blocks(self) -> int:
        """How many blocks of `step` samples a frame reaches into."""
        return -(-self.length // self.step)


def frames(writer: Writer, framing: Framing, signal: str, dtype: str) -> str:
    """All frames, (batch, count, length), of the signals (batch, samples)."""
    count = framing.count + framing.blocks - 1
    needed = count * framing.step
    if needed < framing.samples:
        signal = writer.slice(signal, (1,), (0,), (needed,))
    elif needed > framing.samples:
        signal = writer.pad(signal, dtype, (0, 0, 0, needed - framing.samples))
    blocks = writer.reshape(signal, (framing.batch, count, framing.step))
    parts = []
    for first in range(framing.blocks):
        width = min(framing.step, framing.length - first * framing.step)
        parts.append(writer.slice(blocks, (1, 2), (first, 0), (first + framing.count, width)))
    return writer.concat(parts, 2)
