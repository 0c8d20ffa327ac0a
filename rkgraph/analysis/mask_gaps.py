"""How far below the scores that count a masked score has to lie, observed on samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Literal

from rkgraph.errors import RkgraphError
from rkgraph.records import Record

if TYPE_CHECKING:
    from rkgraph.analysis.evaluator import Array
    from rkgraph.analysis.observed import Observations

__all__ = ["FAR", "Gap", "Masked", "observed_gaps"]

FAR = -1000.0
"""A mask that holds this or less is a fill, and no bias that was learnt."""


class Masked(Record):
    """Scores and their mask: a value that is added to them, or a condition, which tells the scores that count."""

    scores: str
    mask: str
    kind: Literal["added", "true counts", "false counts"] = "added"


class Gap(Record):
    """What the rows (along the last axis) of masked scores hold on all samples; rows without a score that counts aside.

    Attributes:
        above: by how much a masked score exceeds the highest that counts, at most; −∞ where none is masked.
        lowest: the least of the highest scores of rows.
        bias: the lowest number of the mask where scores count; 0 where the mask is a condition.
        keys: scores in a row.
    """

    above: float = -inf
    lowest: float = inf
    bias: float = 0.0
    keys: int = 1

    def widened(self, slack: float) -> Gap:
        """With room for samples that go beyond these by the part `slack`."""
        above, lowest = self.above + slack * abs(self.above), self.lowest - slack * abs(self.lowest)
        return replace(self, above=above, lowest=lowest)

    def joined(self, other: Gap) -> Gap:
        """What both hold."""
        return Gap(
            max(self.above, other.above),
            min(self.lowest, other.lowest),
            min(self.bias, other.bias),
            max(self.keys, other.keys),
        )


def observed_gaps(observed: Observations, pairs: Iterable[Masked]) -> Mapping[Masked, Gap]:
    """The gaps of `pairs`, each run for itself, sample by sample; those that cannot be observed are left out."""
    found: dict[Masked, Gap] = {}
    for pair in dict.fromkeys(pairs):
        gap = _observed(observed, pair)
        if gap is not None:
            found[pair] = gap
    return found


def _observed(observed: Observations, pair: Masked) -> Gap | None:
    try:
        arrays: Iterable[Sequence[Array]] = observed.arrays((pair.scores, pair.mask))
        gaps = [gap for scores, mask in arrays if (gap := gap_of(scores, mask, pair.kind)) is not None]
    except (RkgraphError, ValueError):  # it does not run, or their shapes do not go together
        return None
    joined = gaps[0] if gaps else None
    for gap in gaps[1:]:
        joined = gap if joined is None else joined.joined(gap)
    return joined


def gap_of(scores: Array, mask: Array, kind: str) -> Gap | None:
    """The gap of one sample; None where no row has a score that counts, or a number is not finite.

    Raises:
        ValueError: the mask cannot be broadcast over the scores.
    """
    import numpy as np

    if not scores.ndim or not scores.size or not np.isfinite(scores).all():
        return None
    added = kind == "added"
    chosen = mask > FAR / 2 if added else mask.astype(bool) == (kind == "true counts")
    counts = np.broadcast_to(chosen, scores.shape)
    logits = scores + np.where(counts, mask, 0) if added else scores
    highest = np.where(counts, logits, -inf).max(axis=-1)
    hidden = np.where(counts, -inf, scores).max(axis=-1)
    seen = np.isfinite(highest)
    if not seen.any():
        return None
    bias = float(np.where(counts, mask, 0).min()) if added else 0.0
    return Gap(float((hidden[seen] - highest[seen]).max()), float(highest[seen].min()), bias, scores.shape[-1])
