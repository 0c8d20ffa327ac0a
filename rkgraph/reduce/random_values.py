"""Seeded random tensors in the place of weights, which a bug report should not give away."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from rkgraph.graph.tensors import dtype_name, element_count

__all__ = ["can_be_random", "is_structure", "random_array", "randomised"]

_STRUCTURE = 4
"""Up to so many numbers are a scale, an epsilon or a mask's fill: part of how a graph is written, and no secret."""

_SMALL_WHOLE = 16
"""Up to so many whole numbers are a shape, axes, pads or indices."""

_DTYPES = frozenset({"bool", "float16", "float32", "float64"}) | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
_WIDTH = 0.5  # of the normal distribution: a few layers of it neither vanish nor leave fp16


def random_array(dtype: str, shape: Sequence[int], seed: str) -> npt.NDArray[np.generic] | None:
    """Floats of a normal distribution, zeros for whole numbers, False for bool; None for other dtypes."""
    source = np.random.default_rng(zlib.crc32(seed.encode()))
    try:
        wanted = np.dtype(dtype)
    except TypeError:
        return None
    if wanted.kind == "f":
        return np.asarray(source.normal(0.0, _WIDTH, tuple(shape))).astype(wanted)
    return np.zeros(tuple(shape), wanted) if wanted.kind in "iub" else None


def is_structure(tensor: onnx.TensorProto) -> bool:
    """Whether a tensor says how the graph is built rather than what the model has learnt; judged by its size."""
    count = element_count(tensor.dims)
    whole = (dtype_name(tensor.data_type) or "").startswith(("int", "uint"))
    return 0 <= count <= (_SMALL_WHOLE if whole else _STRUCTURE)


def can_be_random(tensor: onnx.TensorProto) -> bool:
    """Whether `randomised` can replace it: a dtype that numpy has, and no text."""
    return dtype_name(tensor.data_type) in _DTYPES


def randomised(tensor: onnx.TensorProto) -> onnx.TensorProto:
    """Random numbers of the dtype, the shape and the range of `tensor`, whose bytes are present.

    Floats that are nowhere negative stay so (a variance); whole numbers stay between the smallest and the largest.
    Nothing else of the values is kept; tensors of one shape come out alike.
    """
    old = numpy_helper.to_array(tensor)
    source = np.random.default_rng(zlib.crc32(f"{tuple(tensor.dims)}".encode()))
    new = _like(old, source, math.prod(tensor.dims)).reshape(old.shape).astype(old.dtype)
    return numpy_helper.from_array(np.ascontiguousarray(new).reshape(old.shape), tensor.name)


def _like(old: npt.NDArray[np.generic], source: np.random.Generator, count: int) -> npt.NDArray[np.generic]:
    if old.dtype.kind == "f":
        drawn = source.normal(0.0, _WIDTH, count)
        return np.abs(drawn) + 0.1 if count and bool(np.all(old >= old.dtype.type(0))) else drawn
    if old.dtype.kind == "b":
        return source.integers(0, 2, count)
    low, high = (int(old.min()), int(old.max())) if count else (0, 0)
    return source.integers(low, high, count, dtype=old.dtype, endpoint=True)
