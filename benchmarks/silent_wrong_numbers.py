"""Whether the simulator computed a small model right: inputs to ask with, and what fp16 may differ by.

A number is wrong where it differs from ONNX Runtime's by more than all of these together: ten roundings to fp16, what
becomes of the number if every result of the model is rounded to fp16, and how far it moves if the inputs move by half a
rounding. The last makes judges of steps (Floor, ArgMax, comparisons) and of differences of near-equal numbers fair:
where a rounding decides, nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from rkgraph.analysis.evaluator import EvaluationError, Evaluator

__all__ = ["Match", "feeds_of", "in_half", "judge"]

Array = npt.NDArray[Any]
Feeds = Mapping[str, Array]

RELATIVE, OF_LARGEST = 1e-2, 4e-3
"""Ten roundings of 2^-10 of a number, and four of the largest number where terms cancel."""

LARGEST = 65504.0
MOVED = 2.0**-10
"""Half a rounding of fp16, relative to a number."""

CLEARLY = 0.05
"""Relative error of an output above which numbers are wrong beyond any doubt."""

_SCALES = ((1.0, 0, 2), (3.0, -3, 7))
"""Of each feed: the standard deviation of floats, and from where to where whole numbers are drawn."""


@dataclass(frozen=True)
class Match:
    """How well one output was met on one feed.

    Attributes:
        output: its name.
        bad, sure: elements that are beyond tolerance, and all of which something can be said.
        error: ‖found − wanted‖ / ‖wanted‖ over the sure elements.
        why: what cannot be compared at all: another shape, NaN.
    """

    output: str
    bad: int
    sure: int
    error: float
    why: str = ""

    @property
    def wrong(self) -> bool:
        """Beyond any doubt."""
        return bool(self.why) or (self.bad > 0 and self.error > CLEARLY)


def feeds_of(model: onnx.ModelProto) -> list[dict[str, Array]]:
    """Random inputs that fp16 holds, on which ONNX Runtime runs the model: up to two of different scales.

    Raises:
        EvaluationError: it runs on none of them.
    """
    evaluator, found, failed = Evaluator(model), [], None
    has_lengths = any(node.op_type == "ReverseSequence" for node in model.graph.node)
    for seed, (scale, low, high) in enumerate(((1.0, 1, 3),) if has_lengths else _SCALES):
        random = np.random.default_rng(seed + 1)
        feeds = {value.name: _drawn(value, random, scale, low, high) for value in model.graph.input}
        try:
            evaluator.run(feeds)
        except EvaluationError as error:
            failed = error
        else:
            found.append(feeds)
    if not found and failed is not None:
        raise failed
    return found


def _drawn(value: onnx.ValueInfoProto, random: np.random.Generator, scale: float, low: int, high: int) -> Array:
    tensor = value.type.tensor_type
    shape = [d.dim_value for d in tensor.shape.dim]
    dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
    if dtype.kind == "f":
        return np.asarray((random.standard_normal(shape) * scale).astype(np.float16), dtype)
    if dtype.kind == "b":
        return random.integers(0, 2, shape).astype(bool)
    return random.integers(max(low, 0) if dtype.kind == "u" else low, high, shape).astype(dtype)


def judge(model: onnx.ModelProto, feeds: Feeds, found: Mapping[str, Array]) -> list[Match]:
    """Each output of `found` held against ONNX Runtime."""
    evaluator, random = Evaluator(model), np.random.default_rng(7)
    wanted = evaluator.run(feeds)
    others = [
        *_tried(evaluator, [_moved(feeds, random) for _ in range(4)]),
        *_tried(_evaluator(in_half(model)), [feeds]),
    ]
    return [
        _match(name, wanted[name], found[name], [each[name] for each in others]) for name in wanted if name in found
    ]


def _evaluator(model: onnx.ModelProto) -> Evaluator | None:
    try:
        return Evaluator(model)
    except EvaluationError:
        return None  # an operator whose results are not all rounded


def _tried(evaluator: Evaluator | None, cases: Sequence[Feeds]) -> Iterator[Mapping[str, Array]]:
    for feeds in cases if evaluator is not None else ():
        try:
            yield evaluator.run(feeds)  # type: ignore[union-attr]
        except EvaluationError:
            continue  # what moved left the domain of an operator


def _moved(feeds: Feeds, random: np.random.Generator) -> dict[str, Array]:
    """The inputs, floats moved by half a rounding."""
    return {
        name: array
        if array.dtype.kind != "f"
        else np.asarray(
            array
            + (np.abs(array) * MOVED + np.abs(array).max(initial=0) * MOVED / 4) * random.uniform(-1, 1, array.shape),
            array.dtype,
        )
        for name, array in feeds.items()
    }


def _match(name: str, wanted: Array, found: Array, others: Sequence[Array]) -> Match:
    if wanted.size != found.size or wanted.dtype.kind not in "fiub":
        return Match(name, 0, 0, float("nan"), f"{found.size} elements of {wanted.size}")
    want, have = wanted.astype(np.float64).ravel(), found.astype(np.float64).ravel()
    with np.errstate(invalid="ignore", over="ignore"):
        tolerance = np.zeros_like(want)
        if wanted.dtype.kind == "f":
            finite = np.abs(want[np.isfinite(want)])
            tolerance = RELATIVE * np.abs(want) + OF_LARGEST * finite.max(initial=0.0)
        for other in others:
            if other.shape == wanted.shape:
                tolerance = tolerance + 3 * np.abs(other.astype(np.float64).ravel() - want)
        limit = LARGEST if wanted.dtype.kind == "f" else float("inf")
        sure = np.isfinite(want) & (np.abs(want) < limit) & np.isfinite(tolerance)
        if wanted.dtype.kind != "f":
            sure &= tolerance == 0
        gap = np.abs(have - want)
        bad = sure & ~(gap <= tolerance)
    if np.isnan(have[sure]).any():
        return Match(name, int(bad.sum()), int(sure.sum()), float("inf"), f"{int(np.isnan(have[sure]).sum())} NaN")
    norm = float(np.linalg.norm(want[sure]))
    off = float(np.linalg.norm((have - want)[bad]))
    return Match(name, int(bad.sum()), int(sure.sum()), off / norm if norm else off)


def in_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with its float weights, and every float result of its main graph, rounded to fp16."""
    half = onnx.ModelProto()
    half.CopyFrom(model)
    floats = {
        value.name
        for value in (*half.graph.value_info, *half.graph.output)
        if value.type.tensor_type.elem_type == TensorProto.FLOAT
    }
    for tensor in half.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            array = np.clip(numpy_helper.to_array(tensor), -LARGEST, LARGEST)
            tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float16).astype(np.float32), tensor.name))
    nodes = []
    for node in half.graph.node:
        nodes.append(node)
        for place, name in enumerate(node.output):
            if name in floats:
                node.output[place] = f"{name}/raw"
                nodes.append(helper.make_node("Cast", [f"{name}/raw"], [f"{name}/half"], to=TensorProto.FLOAT16))
                nodes.append(helper.make_node("Cast", [f"{name}/half"], [name], to=TensorProto.FLOAT))
    del half.graph.node[:]
    half.graph.node.extend(nodes)
    return half
