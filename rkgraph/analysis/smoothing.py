"""Outlier channels of an activation, migrated into the weights that read it: SmoothQuant, with factors of two.

y W = (y / s) (s W) for any s > 0 along the channels. With powers of two both products are the same bit for bit, and
y / s may have channels that are more alike. Whether that helps is measured: what 8 bits make of y / s and of s W,
against y W.

Xiao et al., SmoothQuant (arXiv:2211.10438), equation 4: s = max|y|^a / max|W|^(1 - a).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Smoothing", "error_of", "smoothing"]

Array = npt.NDArray[Any]

ALPHAS = (0.25, 0.4, 0.5, 0.6, 0.75, 1.0)


@dataclass(frozen=True)
class Smoothing:
    """Factors by channel, powers of two, and ‖quantized − exact‖ / ‖exact‖ of the products before and after."""

    factors: tuple[float, ...]
    before: float
    after: float


def smoothing(activation: Array, weights: Sequence[Array]) -> Smoothing:
    """The factors that leave the least error, or ones.

    Args:
        activation: float [rows, channels].
        weights: of each product, float [channels, columns].
    """
    most = np.abs(activation).max(axis=0).astype(np.float64)
    heaviest = np.max([np.abs(weight).max(axis=1) for weight in weights], axis=0).astype(np.float64)
    before = error_of(activation, weights)
    best, factors = before, np.ones(len(most))
    live = (most > 0) & (heaviest > 0)
    for alpha in ALPHAS:
        raw = np.ones(len(most))
        raw[live] = most[live] ** alpha / heaviest[live] ** (1 - alpha)
        exponents = np.log2(raw) - np.median(np.log2(raw[live])) if live.any() else np.zeros(len(most))
        tried = 2.0 ** np.where(live, np.round(exponents), 0.0)
        error = error_of(activation / tried, [weight * tried[:, None] for weight in weights])
        if error < best:
            best, factors = error, tried
    return Smoothing(tuple(factors.tolist()), before, best)


def error_of(activation: Array, weights: Sequence[Array]) -> float:
    """‖quantized − exact‖ / ‖exact‖ of the products, in 8 bits: activations per tensor, weights per column."""
    gap = size = 0.0
    rounded = _per_tensor(activation.astype(np.float64))
    for weight in weights:
        exact = activation.astype(np.float64) @ weight
        gap += float(np.square(rounded @ _per_column(weight.astype(np.float64)) - exact).sum())
        size += float(np.square(exact).sum())
    return float(np.sqrt(gap / size)) if size else 0.0


def _per_tensor(array: Array) -> Array:
    low, high = min(float(array.min()), 0.0), max(float(array.max()), 0.0)
    scale = max(high - low, 1e-30) / 255
    zero = np.round(low / scale)
    quantized: Array = (np.clip(np.round(array / scale), zero, zero + 255)) * scale
    return quantized


def _per_column(array: Array) -> Array:
    scale = np.maximum(np.abs(array).max(axis=0), 1e-30) / 127
    quantized: Array = np.round(array / scale) * scale
    return quantized
