"""Attention of several heads in standard operators, in the order in which compilers make one layer of it.

softmax(Q·scale·Kᵀ + bias)·V for each head; (B, N, S, d) queries, (B, N, T, d) keys and values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkgraph.rulebook.fused import NotUnfused

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView
    from rkgraph.rulebook.writer import Writer

__all__ = ["Heads", "attend", "causal", "key_mask", "merge_heads", "rotated", "split_heads"]


@dataclass(frozen=True)
class Heads:
    """How many heads there are, what scores are multiplied by (0: 1/√d), and what masked ones get."""

    count: int
    scale: float
    filled: float
    dtype: str


def split_heads(writer: Writer, x: str, count: int, width: int) -> str:
    """(B, S, N·d) → (B, N, S, d), d = `width`."""
    return writer.transpose(writer.reshape(x, (0, 0, count, width)), (0, 2, 1, 3))


def merge_heads(writer: Writer, x: str, width: int) -> str:
    """(B, N, S, d) → (B, S, N·d), `width` = N·d."""
    return writer.reshape(writer.transpose(x, (0, 2, 1, 3)), (0, 0, width))


def attend(writer: Writer, heads: Heads, qkv: Sequence[str], width: int, biases: Sequence[str]) -> str:
    """The attention of queries of `width` elements to keys and values; `biases` are added to the scores."""
    scale = heads.scale or 1 / math.sqrt(width)
    query = writer.op("Mul", qkv[0], writer.constant(scale, heads.dtype, "scale"))
    scores = writer.op("MatMul", query, writer.transpose(qkv[1], (0, 1, 3, 2)))
    for bias in biases:
        scores = writer.op("Add", scores, bias)
    return writer.op("MatMul", writer.op("Softmax", scores, axis=3), qkv[2])


def causal(writer: Writer, heads: Heads, queries: int, keys: int) -> str:
    """What is added so that a query sees no key behind it: (1, 1, S, T); the last query is at the last key."""
    import numpy as np  # lint imports rules, and with them this file, and has no time for numpy

    behind = np.triu(np.ones((queries, keys)), k=1 + keys - queries)
    return writer.constant(behind[None, None] * heads.filled, heads.dtype, "causal")


def key_mask(graph: GraphView, writer: Writer, heads: Heads, mask: str, sizes: tuple[int, int, int]) -> str:
    """What is added for a mask of whole numbers: (B, T) or (B, S, T) of 0 and 1, (B) ends, or (2·B) ends and starts.

    Args:
        graph: where the mask is.
        writer: records.
        heads: for dtype and filling.
        mask: its name.
        sizes: B, S and T.

    Raises:
        NotUnfused: a mask of another shape.
    """
    batch, queries, keys = sizes
    shape = graph.value(mask).shape
    real = writer.cast(mask, heads.dtype)
    if shape == (batch, keys):
        seen = writer.reshape(real, (batch, 1, 1, keys))
    elif shape == (batch, queries, keys):
        seen = writer.reshape(real, (batch, 1, queries, keys))
    elif shape in ((batch,), (2 * batch,)):
        seen = _between(writer, heads, real, (batch, keys), starts=shape != (batch,))
    else:
        known = "(B, T), (B, S, T), (B) ends, or (2·B) ends and starts"
        raise NotUnfused(f"{mask} has the shape {shape}; masks are {known}")
    seen = writer.clip(seen, heads.dtype, 0.0, 1.0)
    hidden = writer.op("Sub", writer.constant(1.0, heads.dtype, "one"), seen)
    return writer.op("Mul", hidden, writer.constant(heads.filled, heads.dtype, "filled"))


def _between(writer: Writer, heads: Heads, bounds: str, sizes: tuple[int, int], *, starts: bool) -> str:
    """(B, 1, 1, T), above 0 for keys in front of the first B of `bounds`, and from the next B on where there are."""
    batch, keys = sizes
    place = writer.constant([float(key) for key in range(keys)], heads.dtype, "places")
    if not starts:
        return writer.op("Sub", writer.reshape(bounds, (batch, 1, 1, 1)), place)
    end, start = (writer.reshape(part, (batch, 1, 1, 1)) for part in writer.split(bounds, 0, (batch, batch)))
    after = writer.constant([float(key + 1) for key in range(keys)], heads.dtype, "after")
    return writer.op("Min", writer.op("Sub", end, place), writer.op("Sub", after, start))


def rotated(writer: Writer, x: str, waves: tuple[str, str], width: int, *, interleaved: bool) -> str:
    """`x` (…, d), d = `width`, turned by angles whose cosines and sines are `waves` (…, d/2)."""
    cosine, sine = waves
    if interleaved:
        pairs = writer.reshape(x, (0, 0, 0, width // 2, 2))
        first, second = (writer.reshape(part, (0, 0, 0, width // 2)) for part in writer.split(pairs, 4, (1, 1)))
    else:
        first, second = writer.split(x, 3, (width // 2, width // 2))
    turned = (
        writer.op("Sub", writer.op("Mul", first, cosine), writer.op("Mul", second, sine)),
        writer.op("Add", writer.op("Mul", second, cosine), writer.op("Mul", first, sine)),
    )
    if not interleaved:
        return writer.concat(turned, 3)
    columns = [writer.reshape(part, (0, 0, 0, width // 2, 1)) for part in turned]
    return writer.reshape(writer.concat(columns, 4), (0, 0, 0, width))
