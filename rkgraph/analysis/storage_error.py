"""How far each value of a model is off where results are stored as a build stores them: measured in ONNX Runtime.

The model is run beside a copy of it (`graph.half`) in which what a layer hands on is rounded to fp16, or to the whole
steps of a quantized build, and whose weights are rounded likewise. Sums within a layer stay fp32, as the NPU computes
them. Errors add up on the way, as they do on the board: where the error of a value jumps, its layer is the cause.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

    from rkgraph.analysis.evaluator import Array
    from rkgraph.graph.half import Steps

__all__ = ["storage_errors"]

_CHANNEL_AXES = {"Conv": 0, "ConvTranspose": 1, "MatMul": -1, "Gemm": 1}
"""Where the output channels of a weight lie, which have scales of their own (Gemm: 0 where it is transposed)."""


def storage_errors(
    model: onnx.ModelProto,
    bits: Mapping[str, int | None],
    samples: Sequence[Mapping[str, Array]],
    tell: Callable[[str], None] = lambda _text: None,
) -> dict[str, float]:
    """Value → ‖stored − exact‖ / ‖exact‖ on the worst sample; ∞ where it overflows.

    Args:
        model: with weights.
        bits: float32 values of the main graph that are stored, made by nodes: None for fp16, else bits of whole steps,
            whose range is what the value takes on the samples. Other values are not rounded.
        samples: feeds by input name, as the graph itself sees them.
        tell: what is done, in a few words.

    Raises:
        EvaluationError: ONNX Runtime cannot run the model on the samples.
    """
    from rkgraph.analysis.evaluator import Evaluator
    from rkgraph.analysis.sensitivity import observed_ranges
    from rkgraph.graph.half import HALF, Steps, compared_with_half

    whole = {name: count for name, count in bits.items() if count is not None}
    quantized = [node for node in model.graph.node if any(name in whole for name in node.output)]
    steps = {}
    if whole:
        tell("observe the range of each value")
        steps = _steps_of_inputs(quantized, samples)
        steps |= {
            name: Steps.over(low, high, whole[name])
            for name, (low, high) in observed_ranges(model, whole, samples).items()
        }
    tell("run the model beside a copy that stores as the build does")
    evaluator = Evaluator(compared_with_half(model, list(bits), steps, _channels(quantized)))
    worst: dict[str, float] = {}
    for sample in samples:
        results = evaluator.run(sample)
        for name in bits:
            error = _relative(results[f"{HALF}{name}/compared"].tolist())
            worst[name] = max(error, worst.get(name, 0.0))
    return worst


def _relative(numbers: Sequence[float]) -> float:
    """The error by the numbers of `graph.half.COMPARED`."""
    _, raw, stored, error, norm = numbers
    if not (math.isfinite(raw) and math.isfinite(stored) and math.isfinite(error)):
        return math.inf
    return error / norm if norm else (math.inf if error else 0.0)


def _steps_of_inputs(nodes: Sequence[onnx.NodeProto], samples: Sequence[Mapping[str, Array]]) -> dict[str, Steps]:
    """Float inputs that quantized layers read: they are 8 bits wide, too."""
    from rkgraph.graph.half import Steps

    read = {name for node in nodes for name in node.input}
    floats = [name for name, array in samples[0].items() if name in read and array.dtype.kind == "f" and array.size]
    seen = {name: [sample[name] for sample in samples] for name in floats}
    return {name: Steps.over(min(a.min() for a in each), max(a.max() for a in each), 8) for name, each in seen.items()}


def _channels(nodes: Sequence[onnx.NodeProto]) -> dict[str, int]:
    """Weights of quantized layers → the axis of their output channels."""
    found = {}
    for node in nodes:
        if node.op_type in _CHANNEL_AXES and len(node.input) > 1:
            transposed = any(each.name == "transB" and each.i for each in node.attribute)
            found[node.input[1]] = 0 if transposed else _CHANNEL_AXES[node.op_type]
    return found
