"""A model beside a copy of itself in which every result is rounded to fp16; a few numbers for each value compare both.

Results that a quantized build stores in whole steps are rounded to those instead, and so are the weights behind them.
The copy shares nothing with the model but the inputs. Its weights are fp16, what does not fit into fp16 is clamped in
weights and becomes infinite in results. All that comes out is one small vector for each value, so that memory is that
of running the model twice, whatever its size.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from rkgraph.fp16 import FP16_MAX

__all__ = ["COMPARED", "HALF", "Steps", "compared_with_half"]

HALF = "rkgraph/fp16/"
"""The copy of the value NAME is called HALF + NAME, and what compares both HALF + NAME + "/compared"."""

_TINY, _ONE = "rkgraph/compared/tiny", "rkgraph/compared/one"  # HALF + NAME is the copy of a value of any name

COMPARED = ("exact", "raw", "stored", "error", "norm")
"""What the vector of a value holds.

exact, raw, stored: the largest magnitude of the value in fp32, in the copy before rounding, and after it; error
and norm: ‖copy − value‖ and ‖value‖, both divided by `exact`. Numbers that are infinite or NaN make `raw` infinite.
"""


@dataclass(frozen=True)
class Steps:
    """How a value is stored in whole steps: clip(round(x / scale) + zero, least, most)."""

    scale: float
    zero: float
    least: int
    most: int

    @classmethod
    def over(cls, low: float, high: float, bits: int) -> Steps:
        """Asymmetric, one scale a tensor, 0 in the range: as the toolkit does with activations."""
        low, high = min(low, 0.0), max(high, 0.0)
        least, most = -(1 << bits - 1), (1 << bits - 1) - 1
        scale = max(high - low, 1e-12) / (most - least)
        return cls(scale, float(np.clip(np.round(least - low / scale), least, most)), least, most)


def compared_with_half(
    model: onnx.ModelProto,
    names: Collection[str],
    steps: Mapping[str, Steps] | None = None,
    channels: Mapping[str, int] | None = None,
) -> onnx.ModelProto:
    """The model and its copy in one, with a vector for each of the values `names` and no other output.

    Args:
        model: with weights; nodes of the main graph are copied, bodies of theirs stay fp32.
        names: float32 values of the main graph that are made by nodes.
        steps: those of them, and of the inputs, that are stored in whole steps and not as fp16.
        channels: weights that are stored in 8 bits, symmetric, one scale for each index along this axis.
    """
    steps = steps or {}
    both = onnx.ModelProto()
    both.CopyFrom(model)
    graph = both.graph
    inputs = {value.name: value.type.tensor_type.elem_type for value in graph.input}
    for tensor in graph.initializer:  # before IR version 4 weights are inputs, too
        inputs.pop(tensor.name, None)
    floats = {name for name, kind in inputs.items() if kind == TensorProto.FLOAT}
    given = inputs.keys() - floats
    weights = _stored_weights(graph, channels or {})
    copied = [node for name in sorted(floats) for node in _rounding(name, name, steps)]
    for node in model.graph.node:
        copied.extend(_copied(node, given, weights, names, steps))
    del graph.output[:]
    for name in names:
        copied.extend(_compared(name))
        graph.output.append(helper.make_tensor_value_info(f"{HALF}{name}/compared", TensorProto.FLOAT, [len(COMPARED)]))
    graph.initializer.extend(_numbers())
    graph.initializer.extend(tensor for name, each in steps.items() for tensor in _constants(name, each))
    graph.node.extend(copied)
    return both


def _stored_weights(graph: onnx.GraphProto, channels: Mapping[str, int]) -> dict[str, str]:
    """Weight → the one of the copy: float32 ones rounded, others the same."""
    names = {}
    for tensor in list(graph.initializer):
        names[tensor.name] = tensor.name
        if tensor.data_type == TensorProto.FLOAT:
            array = numpy_helper.to_array(tensor)
            axis = channels.get(tensor.name)
            stored = _as_half(array) if axis is None else _as_bytes(array, axis)
            if not np.array_equal(stored, array):
                names[tensor.name] = HALF + tensor.name
                graph.initializer.append(numpy_helper.from_array(stored, HALF + tensor.name))
    return names


def _as_half(array: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    rounded: npt.NDArray[np.float32] = np.clip(array, -FP16_MAX, FP16_MAX).astype(np.float16).astype(np.float32)
    return rounded


def _as_bytes(array: npt.NDArray[np.float32], axis: int) -> npt.NDArray[np.float32]:
    others = tuple(each for each in range(array.ndim) if each != axis % array.ndim)
    scale = np.maximum(np.abs(array).max(axis=others, keepdims=True) / 127, 1e-30)
    rounded: npt.NDArray[np.float32] = (np.round(array / scale) * scale).astype(np.float32)
    return rounded


def _copied(
    node: onnx.NodeProto,
    given: Collection[str],
    weights: dict[str, str],
    rounded: Collection[str],
    steps: Mapping[str, Steps],
) -> list[onnx.NodeProto]:
    """The node of the copy, and the roundings of its results."""
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.name = HALF + node.name if node.name else ""
    for index, name in enumerate(node.input):
        if name and name not in given:
            copy.input[index] = weights.get(name, HALF + name)
    roundings = []
    for index, name in enumerate(node.output):
        if name:
            copy.output[index] = HALF + name
            if name in rounded:
                copy.output[index] = result = f"{HALF}{name}/result"
                roundings.extend(_rounding(result, name, steps))
    return [*_computed(copy), *roundings]


def _computed(copy: onnx.NodeProto) -> list[onnx.NodeProto]:
    """The node as the compiler computes it: a length in three layers, and squares and their sum are stored."""
    if copy.op_type != "ReduceL2" or copy.domain not in ("", "ai.onnx"):
        return [copy]
    source, length = copy.input[0], copy.output[0]
    square, total = f"{length}/square", f"{length}/total"
    copy.op_type = "ReduceL1"  # a sum of what is never negative, with axes where ReduceL2 has them
    copy.input[0], copy.output[0] = f"{square}/rounded", total
    return [
        helper.make_node("Mul", [source, source], [square]),
        *_through_half(square, f"{square}/rounded"),
        copy,
        *_through_half(total, f"{total}/rounded"),
        helper.make_node("Sqrt", [f"{total}/rounded"], [length]),
    ]


def _rounding(source: str, name: str, steps: Mapping[str, Steps]) -> list[onnx.NodeProto]:
    """Nodes that make the copy of `name` of `source`: the same numbers, rounded."""
    if name not in steps:
        return _through_half(source, HALF + name)
    stem = f"{HALF}{name}/in_steps/"
    chain = (
        ("Div", (source, f"{stem}scale"), f"{stem}steps"),
        ("Round", (f"{stem}steps",), f"{stem}whole"),
        ("Add", (f"{stem}whole", f"{stem}zero"), f"{stem}shifted"),
        ("Max", (f"{stem}shifted", f"{stem}least"), f"{stem}above"),
        ("Min", (f"{stem}above", f"{stem}most"), f"{stem}code"),
        ("Sub", (f"{stem}code", f"{stem}zero"), f"{stem}back"),
        ("Mul", (f"{stem}back", f"{stem}scale"), HALF + name),
    )
    return [helper.make_node(op, inputs, [result]) for op, inputs, result in chain]


def _constants(name: str, steps: Steps) -> list[onnx.TensorProto]:
    numbers = {"scale": steps.scale, "zero": steps.zero, "least": steps.least, "most": steps.most}
    return [
        numpy_helper.from_array(np.asarray(n, np.float32), f"{HALF}{name}/in_steps/{key}") for key, n in numbers.items()
    ]


def _through_half(source: str, target: str) -> list[onnx.NodeProto]:
    stored = f"{target}/half"
    return [
        helper.make_node("Cast", [source], [stored], to=TensorProto.FLOAT16),
        helper.make_node("Cast", [stored], [target], to=TensorProto.FLOAT),
    ]


def _compared(name: str) -> list[onnx.NodeProto]:
    """Nodes that compare a value with its copy."""
    stem, half = f"{HALF}{name}/", HALF + name
    steps = (
        ("Abs", (name,), "exact/abs"),
        ("ReduceMax", (f"{stem}exact/abs",), "exact"),
        ("Abs", (f"{half}/result",), "raw/abs"),
        ("ReduceMax", (f"{stem}raw/abs",), "raw"),
        ("Abs", (half,), "stored/abs"),
        ("ReduceMax", (f"{stem}stored/abs",), "stored"),
        ("Sub", (half, name), "gap"),
        ("Max", (f"{stem}exact", _TINY), "scale"),
        ("Div", (f"{stem}gap", f"{stem}scale"), "gap/scaled"),
        ("ReduceL2", (f"{stem}gap/scaled",), "error"),
        ("Div", (name, f"{stem}scale"), "scaled"),
        ("ReduceL2", (f"{stem}scaled",), "norm"),
    )
    nodes = [_node(op, inputs, stem + result) for op, inputs, result in steps]
    flat = [helper.make_node("Reshape", [stem + each, _ONE], [f"{stem}{each}/flat"]) for each in COMPARED]
    joined = helper.make_node("Concat", [f"{stem}{each}/flat" for each in COMPARED], [f"{stem}compared"], axis=0)
    return [*nodes, *flat, joined]


def _node(op: str, inputs: tuple[str, ...], result: str) -> onnx.NodeProto:
    if op.startswith("Reduce"):
        return helper.make_node(op, inputs, [result], keepdims=0)
    return helper.make_node(op, inputs, [result])


def _numbers() -> list[onnx.TensorProto]:
    return [
        numpy_helper.from_array(np.asarray(1e-30, np.float32), _TINY),
        numpy_helper.from_array(np.asarray([1], np.int64), _ONE),
    ]
