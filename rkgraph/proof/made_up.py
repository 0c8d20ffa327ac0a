"""Made-up inputs of any type: strings, sequences, optionals and tensors whose shape is not fixed, too."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper

from rkgraph.analysis.evaluator import Array

__all__ = ["made_up"]

_WORDS = ("a", "The", "quick brown", "", "Fox", "Über", "1", "-3.5", "b2", "the")
_UNKNOWN = 3
"""The size that a dimension gets of which nothing is known."""


def made_up(type_: onnx.TypeProto, random: np.random.Generator) -> Array:
    """A value of a type; a sequence is an array of objects that are arrays.

    Raises:
        ValueError: a type that is neither tensor, sequence nor optional, or of an element type without a numpy dtype.
    """
    kind = type_.WhichOneof("value")
    if kind == "tensor_type":
        return _tensor(type_.tensor_type, random)
    if kind == "optional_type":
        return made_up(type_.optional_type.elem_type, random)
    if kind == "sequence_type":
        elements = [made_up(type_.sequence_type.elem_type, random) for _ in range(_UNKNOWN)]
        sequence = np.empty(len(elements), dtype=object)
        for index, element in enumerate(elements):
            sequence[index] = element
        return sequence
    raise ValueError(f"no inputs can be made of the type {kind or 'that is not stated'}")


def _tensor(type_: onnx.TypeProto.Tensor, random: np.random.Generator) -> Array:
    shape = tuple(d.dim_value if d.HasField("dim_value") else _UNKNOWN for d in type_.shape.dim)
    if type_.elem_type == onnx.TensorProto.STRING:
        return np.asarray(random.choice(np.asarray(_WORDS, dtype=object), size=shape), dtype=object)
    try:
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(type_.elem_type))
    except KeyError as error:
        raise ValueError(f"no inputs can be made of element type {type_.elem_type}") from error
    if dtype.kind == "b":
        return np.asarray(random.integers(0, 2, shape)).astype(bool)
    if dtype.kind in "iu":
        return np.asarray(random.integers(0, 4, shape)).astype(dtype)
    if dtype.kind != "f":
        raise ValueError(f"no inputs can be made of {dtype.name}")
    return np.asarray(random.normal(size=shape)).astype(dtype)
