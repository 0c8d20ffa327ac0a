"""The first elements of a tensor along its axes, its bytes read from wherever they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import numpy_helper

from rkgraph.graph.tensors import is_external
from rkgraph.graph.weights import Weights

__all__ = ["loaded", "sliced", "stored"]

_INLINE = 1 << 22
"""Bytes up to which a tensor stays in the protobuf; larger ones would be copied with every candidate."""


def loaded(tensor: onnx.TensorProto, weights: Weights) -> onnx.TensorProto:
    """A copy of `tensor` with its bytes."""
    copy = onnx.TensorProto()
    copy.CopyFrom(tensor)
    if is_external(copy):
        weights.load(copy)
    return copy


def stored(tensor: onnx.TensorProto, weights: Weights) -> onnx.TensorProto:
    """`tensor` itself; a large one leaves its bytes in `weights`."""
    if len(tensor.raw_data) > _INLINE:
        weights.keep(tensor)
    return tensor


def sliced(tensor: onnx.TensorProto, dims: Sequence[int], weights: Weights) -> onnx.TensorProto:
    """The tensor cut to `dims` from the front; where it is to grow (a broadcast axis), its elements are repeated."""
    array = numpy_helper.to_array(loaded(tensor, weights))
    for axis, size in enumerate(dims):
        array = np.take(array, np.arange(size) % max(array.shape[axis], 1), axis)
    return stored(numpy_helper.from_array(np.ascontiguousarray(array), tensor.name), weights)
