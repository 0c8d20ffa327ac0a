"""Inputs of a case, made up from a seed, and what ONNX Runtime computes of them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from rkgraph.analysis.evaluator import EvaluationError
from rkgraph.analysis.evaluator_child import evaluate_apart

if TYPE_CHECKING:
    import numpy.typing as npt

    Feeds = Mapping[str, npt.NDArray[Any]]

__all__ = ["NoReference", "reference"]

_DRAWS = (
    (None, True),
    (None, False),
    ((0.1, 0.9), False),
    ((1.1, 1.9), False),
    ((-0.9, -0.1), False),
)
"""(range of floats, whether whole numbers vary), in the order in which they are tried. No range is standard normal; the
others are what Log and Asin, Acosh, and others need. Whole numbers that vary are -3 to 3, and 0 to 3 where they have no
sign or are int64, as indices and lengths are; the others are 0 and 1, which most operators take for those, too."""

_SECONDS = 60.0
_LARGEST = 65504.0
"""The largest finite number of fp16, which is what the NPU computes in."""


class NoReference(Exception):
    """ONNX Runtime does not run the model, or its outputs are nothing that numbers could be held against."""


def reference(model: onnx.ModelProto, path: Path, text: str) -> tuple[Feeds, Feeds]:
    """Inputs by name, and ONNX Runtime's outputs by name in the precision of the model.

    The inputs are drawn in the first of several ways that gives outputs which are finite and fit fp16.

    Args:
        model: with static inputs.
        path: a file with the same model.
        text: the seed.

    Raises:
        NoReference: no way gives such outputs, or they are others every time.
    """
    tried = [_drawn(model, text, within, varied) for within, varied in _DRAWS]
    try:
        (answers,) = evaluate_apart([path], [*tried, *tried], threads=1, seconds=_SECONDS)
    except EvaluationError as error:
        raise NoReference(error.message) from error
    for feeds, answer, again in zip(tried, answers[: len(tried)], answers[len(tried) :], strict=True):
        if not isinstance(answer, EvaluationError) and all(_is_plain(array) for array in answer.values()):
            if isinstance(again, EvaluationError) or any((answer[k] != again[k]).any() for k in answer):
                raise NoReference("its outputs are random")
            return feeds, answer
    failed = next((answer.message for answer in answers if isinstance(answer, EvaluationError)), "")
    raise NoReference(failed or "its outputs are not finite, or beyond fp16")


def _drawn(model: onnx.ModelProto, text: str, within: tuple[float, float] | None, varied: bool) -> Feeds:
    generator = np.random.default_rng(zlib.crc32(text.encode()))
    feeds = {}
    for value in model.graph.input:
        tensor = value.type.tensor_type
        shape = [d.dim_value for d in tensor.shape.dim]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        if dtype.kind == "f":
            array: Any = generator.normal(0, 1, shape) if within is None else generator.uniform(*within, shape)
        elif dtype.kind == "b" or not varied:
            array = generator.integers(0, 2, shape)
        else:
            array = generator.integers(0 if dtype.kind == "u" or dtype == np.int64 else -3, 4, shape)
        feeds[value.name] = np.asarray(array).astype(dtype)
    return feeds


def _is_plain(array: Any) -> bool:
    """Whether an output is an array of numbers that fp16 can hold."""
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub" or not array.size:
        return False
    return bool(array.dtype.kind != "f" or (np.abs(array) <= _LARGEST).all())
