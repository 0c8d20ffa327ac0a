"""Resampling along one axis as a matrix: row i holds the weights of the input elements that make output element i.

All modes of ONNX's Resize are separable, so a resize is one such matrix for each axis. Coordinates are computed in
float32, as ONNX Runtime does: where one lies half-way between two elements, its rounding decides.

Sources: ONNX operator specification, Resize (opsets 10 to 19), and its reference implementation; R. Keys, Cubic
convolution interpolation for digital image processing (1981); Pillow's resampling, for antialias.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Axis", "Resampling", "matrix", "outside"]

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Resampling:
    """How elements are interpolated; words as the attributes of Resize have them."""

    mode: str = "nearest"
    transform: str = "half_pixel"
    nearest: str = "round_prefer_floor"
    cubic: float = -0.75
    exclude_outside: bool = False
    antialias: bool = False


@dataclass(frozen=True)
class Axis:
    """One axis: its size before and after, the scale between them, and the part of it that is cropped (0 to 1)."""

    before: int
    after: int
    scale: float
    start: float = 0.0
    end: float = 1.0

    @property
    def is_kept(self) -> bool:
        """True where nothing happens along this axis."""
        return self.before == self.after and self.scale == 1.0


def matrix(axis: Axis, how: Resampling) -> Matrix:
    """The weights, [after, before]; each row sums to 1.

    Raises:
        ValueError: a word that no Resize knows.
    """
    if axis.is_kept:
        return np.eye(axis.before)
    places = _coordinates(axis, how)
    if how.mode == "nearest":
        return _picked(np.clip(_rounded(places, axis, how), 0, axis.before - 1).astype(int), axis.before)
    if how.mode not in ("linear", "cubic"):
        raise ValueError(f"mode {how.mode!r}")
    if how.antialias and axis.scale < 1:
        return _widened(places, axis, how)
    if how.mode == "linear":
        places = np.clip(places, 0, axis.before - 1)
    base = np.floor(places).astype(int)
    taps = (0, 1) if how.mode == "linear" else (-1, 0, 1, 2)
    weights = np.zeros((axis.after, axis.before))
    for tap in taps:
        weight = _kernel(places - (base + tap), how)
        inside = (base + tap >= 0) & (base + tap < axis.before)
        if how.exclude_outside:
            weight = np.where(inside, weight, 0.0)
        np.add.at(weights, (np.arange(axis.after), np.clip(base + tap, 0, axis.before - 1)), weight)
    return _normalised(weights) if how.exclude_outside else weights


def outside(axis: Axis, how: Resampling) -> npt.NDArray[np.bool_]:
    """Which output elements lie outside the input, and are given the extrapolation value: only those of a crop."""
    if how.transform != "tf_crop_and_resize" or axis.is_kept:
        return np.zeros(axis.after, dtype=bool)
    places = _coordinates(axis, how)
    return np.asarray((places < 0) | (places > axis.before - 1))


def _picked(chosen: npt.NDArray[np.int_], size: int) -> Matrix:
    weights = np.zeros((len(chosen), size))
    weights[np.arange(len(chosen)), chosen] = 1.0
    return weights


def _coordinates(axis: Axis, how: Resampling) -> npt.NDArray[np.float64]:
    """Where each output element lies among the input elements."""
    x, scale, one, half = (
        np.arange(axis.after, dtype=np.float32),
        np.float32(axis.scale),
        np.float32(1),
        np.float32(0.5),
    )
    before, after, first, last = (np.float32(v) for v in (axis.before, axis.after, axis.start, axis.end))
    if how.transform in ("half_pixel", "pytorch_half_pixel"):
        places = (x + half) / scale - half
        if how.transform == "pytorch_half_pixel" and axis.after == 1:
            places = np.zeros_like(x)
    elif how.transform == "half_pixel_symmetric":
        adjusted = after / (scale * before)
        offset = before / 2 * (one - adjusted)
        places = offset + (x + half) / scale - half
    elif how.transform == "asymmetric":
        places = x / scale
    elif how.transform == "tf_half_pixel_for_nn":
        places = (x + half) / scale
    elif how.transform == "align_corners":
        places = x * (before - one) / (after - one) if axis.after > 1 else np.zeros_like(x)
    elif how.transform == "tf_crop_and_resize":
        if axis.after > 1:
            places = first * (before - one) + x * (last - first) * (before - one) / (after - one)
        else:
            places = np.full_like(x, half * (first + last) * (before - one))
    else:
        raise ValueError(f"coordinate_transformation_mode {how.transform!r}")
    found: npt.NDArray[np.float64] = places.astype(np.float64)
    return found


def _rounded(places: npt.NDArray[np.float64], axis: Axis, how: Resampling) -> npt.NDArray[np.float64]:
    if how.nearest == "round_prefer_floor":
        return np.ceil(places - 0.5)
    if how.nearest == "round_prefer_ceil":
        return np.floor(places + 0.5)
    if how.nearest == "floor":
        return np.floor(places)
    if how.nearest == "ceil":
        return np.ceil(places)
    if how.nearest == "simple":  # Resize of opset 10, and Upsample, as ONNX Runtime has them
        return np.ceil(places) if axis.scale < 1 else np.trunc(places)
    raise ValueError(f"nearest_mode {how.nearest!r}")


def _kernel(distance: npt.NDArray[np.float64], how: Resampling) -> npt.NDArray[np.float64]:
    x = np.abs(distance)
    if how.mode == "linear":
        return np.maximum(1.0 - x, 0.0)
    a = how.cubic
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    weights: npt.NDArray[np.float64] = np.where(x <= 1, near, np.where(x < 2, far, 0.0))
    return weights


def _widened(places: npt.NDArray[np.float64], axis: Axis, how: Resampling) -> Matrix:
    """The kernel stretched by the factor of a reduction, so that it averages what it skips; rows are normalised."""
    reach = (1.0 if how.mode == "linear" else 2.0) / axis.scale
    weights = np.zeros((axis.after, axis.before))
    for row, centre in enumerate(places):
        for tap in range(math.floor(centre - reach + 1), math.floor(centre + reach) + 1):
            if how.exclude_outside and not 0 <= tap < axis.before:
                continue
            weight = float(_kernel(np.asarray((tap - centre) * axis.scale), how))
            weights[row, min(max(tap, 0), axis.before - 1)] += weight
    return _normalised(weights)


def _normalised(weights: Matrix) -> Matrix:
    """Rows that sum to 1; one without weights, wholly outside the input, stays zero."""
    total = weights.sum(axis=1, keepdims=True)
    shares: Matrix = np.divide(weights, total, out=np.zeros_like(weights), where=total != 0)
    return shares
