"""Attention in which several heads share keys and values that lie in a cache, in standard operators.

(B, N, S, d) queries, (B, K, T, d) keys and values, K a divisor of N. What a query sees is said by its position p and
the places t of the keys: t ≤ p, and with a window of W places p − W < t. Where positions are known this is constants;
else it is arithmetic of floats, in which whole numbers up to 2048 are exact on the NPU, too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rkgraph.rulebook.fused import NotUnfused
from rkgraph.rulebook.generated import MOST_ELEMENTS

if TYPE_CHECKING:
    import numpy.typing as npt

    from rkgraph.rulebook.writer import Writer

__all__ = [
    "FILL",
    "LARGEST_WHOLE",
    "Cache",
    "Scores",
    "attended",
    "behind",
    "hidden",
    "present",
    "shared",
]

LARGEST_WHOLE = 2048
"""Every whole number up to here is an fp16 number (11 significant bits)."""

FILL = -10000.0
"""What hidden scores get: Softmax makes zero of it in fp16 and in fp32, as long as scores are numbers of a network."""


@dataclass(frozen=True)
class Scores:
    """How scores are made: (Q·Kᵀ)·scale, and with a cap c the c·tanh(…/c) of it."""

    scale: float
    cap: float
    dtype: str


@dataclass(frozen=True)
class Cache:
    """A cache of `rows` places, of which as many as are `filled` are taken before the `new` ones come behind them.

    `filled` is a number for each of the batch, or the name of a float value (B, 1, 1, 1).
    """

    rows: int
    new: int
    filled: tuple[int, ...] | str
    dtype: str


def shared(writer: Writer, x: str, heads: int, groups: int) -> str:
    """(B, K, T, d) → (B, N, T, d): each of K = `groups` for N/K heads that follow one another."""
    if heads == groups:
        return x
    return writer.op("Gather", x, writer.integers([head * groups // heads for head in range(heads)], "heads"), axis=1)


def attended(writer: Writer, qkv: tuple[str, str, str], scores: Scores, biases: tuple[str, ...], sink: str = "") -> str:
    """softmax(scores + biases)·V of (B, N, T, d) keys and values; `sink` (1, N, 1, 1): a score without a value."""
    query, key, value = qkv
    scale = writer.constant(scores.scale / (scores.cap or 1.0), scores.dtype, "scale")
    made = writer.op("MatMul", writer.op("Mul", query, scale), writer.transpose(key, (0, 1, 3, 2)))
    if scores.cap:
        made = writer.op("Mul", writer.op("Tanh", made), writer.constant(scores.cap, scores.dtype, "cap"))
    for bias in biases:
        made = writer.op("Add", made, bias)
    if not sink:
        return writer.op("MatMul", writer.op("Softmax", made, axis=3), value)
    # A score more in each row, which takes its share and has no value: it is cut off again behind the Softmax.
    whole = writer.op("Softmax", writer.concat((sink, made), 3), axis=3)
    return writer.op("MatMul", writer.slice(whole, (3,), (1,), (2**31 - 1,)), value)


def hidden(writer: Writer, cache: Cache, window: int, *, causal: bool = True) -> str:
    """What is added to the scores (B or 1, 1, S, T) so that no query sees a place that it must not; "" for nothing."""
    if isinstance(cache.filled, tuple):
        mask = _known_mask(cache, window, causal)
        if not mask.any():
            return ""
        alike = bool((mask == mask[:1]).all())
        return writer.constant((mask[:1] if alike else mask) * FILL, cache.dtype, "hidden")
    step = writer.constant([[[[float(s)] for s in range(cache.new)]]], cache.dtype, "steps")
    return behind(writer, cache, writer.op("Add", cache.filled, step) if cache.new > 1 else cache.filled, window)


def behind(writer: Writer, cache: Cache, position: str, window: int) -> str:
    """`hidden` for queries at positions that are computed (B, 1, S or 1, 1)."""
    place = writer.constant([float(t) for t in range(cache.rows)], cache.dtype, "places")
    ahead = writer.op("Sub", position, place)  # −1 is the first place too many
    seen = _clipped(writer, ahead, 1.0, cache.dtype)
    if window > 0:
        near = writer.op("Sub", writer.constant(float(window), cache.dtype, "window"), ahead)
        seen = writer.op("Mul", seen, writer.clip(near, cache.dtype, 0.0, 1.0))
    one = writer.constant(1.0, cache.dtype, "one")
    return writer.op("Mul", writer.op("Sub", one, seen), writer.constant(FILL, cache.dtype, "fill"))


def _known_mask(cache: Cache, window: int, causal: bool) -> npt.NDArray[Any]:
    """1 where a place is hidden from a query: (B, 1, S, T)."""
    import numpy as np  # lint imports rules, and with them this file, and has no time for numpy

    position = np.array(cache.filled)[:, None, None, None] + np.arange(cache.new)[:, None]
    place = np.arange(cache.rows)
    last = position if causal else np.array(cache.filled)[:, None, None, None] + cache.new - 1
    unseen = place > last
    return (unseen | (place <= position - window)) if window > 0 else unseen


def _clipped(writer: Writer, x: str, more: float, dtype: str) -> str:
    """`x` + `more`, no less than 0 and no more than 1."""
    return writer.clip(writer.op("Add", x, writer.constant(more, dtype, "more")), dtype, 0.0, 1.0)


def present(writer: Writer, cache: Cache, past: str, new: str, sizes: tuple[int, int, int, int]) -> str:
    """The cache with what is new in it: (B, K, T, d).

    Args:
        writer: records.
        cache: what is where.
        past: the cache before, "" for none.
        new: (B, K, S, d).
        sizes: B, K, the rows of `past`, d.

    Raises:
        NotUnfused: more is taken than there is room for.
    """
    if isinstance(cache.filled, str):
        return _placed(writer, cache, past, new, sizes)
    if len(set(cache.filled)) > 1:
        raise NotUnfused("the members of the batch have different lengths; give them the same, or leave them computed")
    filled, (batch, groups, before, width) = cache.filled[0], sizes
    if not 0 <= filled <= (before if past else 0) or filled + cache.new > cache.rows:
        raise NotUnfused(f"{filled} of {before} places are taken, and {cache.new} more do not fit {cache.rows}")
    parts = [writer.slice(past, (2,), (0,), (filled,)) if filled < before else past] if filled else []
    parts.append(new)
    free = (batch, groups, cache.rows - filled - cache.new, width)
    return _padded(writer, writer.concat(parts, 2), free, cache.dtype)


def _padded(writer: Writer, x: str, sizes: tuple[int, int, int, int], dtype: str) -> str:
    """`x` with so many rows of zeros behind it, places that nothing lies in yet; Pad would run on the CPU."""
    import numpy as np  # lint imports rules, and with them this file, and has no time for numpy

    if not sizes[2]:
        return x
    if math.prod(sizes) > MOST_ELEMENTS:
        raise NotUnfused(f"the cache has {math.prod(sizes):,} free places, more than {MOST_ELEMENTS:,}")
    return writer.concat((x, writer.constant(np.zeros(sizes), dtype, "free")), 2)


def _placed(writer: Writer, cache: Cache, past: str, new: str, sizes: tuple[int, int, int, int]) -> str:
    """What is new in the places that follow those taken, by a product with zeros and ones; what lay there goes."""
    if not isinstance(cache.filled, str) or not past:
        raise NotUnfused("how much of the cache is taken is computed, and there is none")
    column = writer.constant([[[[float(t)] for t in range(cache.rows)]]], cache.dtype, "column")
    steps = writer.constant([float(s) for s in range(cache.new)], cache.dtype, "steps")
    ahead = writer.op("Sub", column, cache.filled)  # (B, 1, T, 1)
    apart = writer.op("Abs", writer.op("Sub", ahead, steps) if cache.new > 1 else ahead)
    one = writer.constant(1.0, cache.dtype, "one")
    places = writer.op("Sub", one, writer.clip(apart, cache.dtype, 0.0, 1.0))  # (B, 1, T, S)
    moved = writer.op("MatMul", places, new)
    batch, groups, before, width = sizes
    old = _padded(writer, past, (batch, groups, cache.rows - before, width), cache.dtype)
    kept = writer.op("Sub", one, _clipped(writer, ahead, 1.0, cache.dtype))
    return writer.op("Add", writer.op("Mul", old, kept), moved)
