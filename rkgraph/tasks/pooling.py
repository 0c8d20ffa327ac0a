"""Token vectors → one vector a text, as sentence-transformers' modules Pooling and Normalize compute it, in NumPy.

Formulas: sentence_transformers/models/Pooling.py (Reimers and Gurevych 2019, arXiv:1908.10084, section 3).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["Vectors", "cosine", "normalise", "pool"]

Vectors = npt.NDArray[np.float32]

_SMALLEST = 1e-9  # sentence-transformers clamps its divisors here
_SMALLEST_NORM = 1e-12  # and torch.nn.functional.normalize here


def pool(hidden: Vectors, mask: npt.NDArray[np.int64], modes: Sequence[str]) -> Vectors:
    """The pooled vectors of all `modes`, side by side.

    Args:
        hidden: token vectors, float of shape [batch, sequence, hidden].
        mask: 1 for tokens, 0 for padding, of shape [batch, sequence]; every row has a token.
        modes: of `export.folder.POOLINGS`.

    Returns:
        float32 of shape [batch, hidden * len(modes)].
    """
    exact = hidden.astype(np.float64)
    weights = mask.astype(np.float64)[:, :, None]
    pooled = np.concatenate([_pooled(mode, exact, weights) for mode in modes], axis=1)
    return pooled.astype(np.float32)


def _pooled(mode: str, hidden: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    if mode == "cls":
        return hidden[:, 0]
    if mode == "max":
        largest: npt.NDArray[np.float64] = np.where(weights > 0, hidden, -np.inf).max(axis=1)
        return largest
    total: npt.NDArray[np.float64] = (hidden * weights).sum(axis=1)
    counts: npt.NDArray[np.float64] = np.maximum(weights.sum(axis=1), _SMALLEST)
    return total / (np.sqrt(counts) if mode == "mean-sqrt-len" else counts)


def normalise(vectors: Vectors) -> Vectors:
    """Each row divided by its L2 norm."""
    norms = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    unit: Vectors = (vectors / np.maximum(norms, _SMALLEST_NORM)).astype(np.float32)
    return unit


def cosine(a: Vectors, b: Vectors) -> float:
    """Cosine of the angle between two vectors; NaN where either is zero or not finite."""
    exact_a, exact_b = a.astype(np.float64), b.astype(np.float64)
    divisor = float(np.linalg.norm(exact_a) * np.linalg.norm(exact_b))
    return float(exact_a @ exact_b) / divisor if divisor > 0 else float("nan")
