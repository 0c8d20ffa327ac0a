"""How alike two arrays are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

__all__ = ["cosine"]


def cosine(a: Array, b: Array) -> float:
    """Cosine of two arrays of as many finite numbers, flattened; 1 where both are zero, 0 where one is."""
    import numpy as np

    a, b = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    peaks = float(np.abs(a).max(initial=0.0)), float(np.abs(b).max(initial=0.0))
    if 0.0 in peaks:
        return 1.0 if peaks == (0.0, 0.0) else 0.0
    a, b = a / peaks[0], b / peaks[1]  # so that squares neither overflow nor vanish
    return float(np.dot(a / np.linalg.norm(a), b / np.linalg.norm(b)))
