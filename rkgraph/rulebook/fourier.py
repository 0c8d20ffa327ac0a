"""Discrete Fourier transforms as matrices of constants.

X_k = Σ_n x_n · exp(∓2πi·k·n/N), the upper sign forward; the inverse is divided by N. Complex numbers are pairs (re, im)
in the last dimension. Source: https://onnx.ai/onnx/operators/onnx__DFT.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

_ZERO = 1e-12  # sines and cosines that are zero come out as 1e-16; the smallest others are 2π/N

__all__ = ["frequencies", "transform"]


def frequencies(length: int, *, onesided: bool) -> int:
    """How many frequencies come out; those of real signals are symmetric, so that half of them and one more do."""
    return length // 2 + 1 if onesided else length


def transform(
    samples: int, length: int, *, parts: int = 1, onesided: bool = False, inverse: bool = False
) -> npt.NDArray[Any]:
    """The matrix of a transform of `length` points, for signals of `samples` that are cut or filled up with zeros.

    Args:
        samples: how many samples there are along the axis.
        length: N.
        parts: 1 for real signals, 2 for complex ones.
        onesided: only the frequencies up to N/2.
        inverse: backwards, and divided by N.

    Returns:
        float64 (samples·parts, frequencies·2): a row vector of samples, parts innermost, times it is the result.
    """
    import numpy as np  # lint imports rules, and with them this file, and has no time for numpy

    n = np.arange(samples)
    k = np.arange(frequencies(length, onesided=onesided))
    angles = 2 * np.pi * (np.outer(n, k) % length) / length  # whole turns taken off: exact for large products
    used = (n < length)[:, None]
    real, imaginary = (np.where(np.abs(wave) < _ZERO, 0.0, wave) * used for wave in (np.cos(angles), np.sin(angles)))
    imaginary = imaginary if inverse else 0.0 - imaginary
    matrix = np.stack([real, imaginary], axis=-1)[:, None]  # (n, 1, k, 2): what a real sample adds
    if parts == 2:
        of_imaginary = np.stack([-imaginary, real], axis=-1)[:, None]
        matrix = np.concatenate([matrix, of_imaginary], axis=1)
    return matrix.reshape(samples * parts, -1) / (length if inverse else 1)
