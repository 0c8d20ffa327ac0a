"""What goes wrong where a model is computed in fp16, found on samples in ONNX Runtime, without the toolkit.

The model is run beside a copy of it in which every result of a node is rounded to fp16, as the NPU stores it; sums
within a node stay fp32, as the NPU computes them. What goes wrong is told where it begins, and not of nodes behind it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkgraph.analysis.observed import fitted
from rkgraph.fp16 import FP16_MAX, FP16_NORMAL

if TYPE_CHECKING:
    from rkgraph.analysis.evaluator import Array
    from rkgraph.graph.model import Model
    from rkgraph.graph.view import GraphView

__all__ = ["TOLERATED", "Trouble", "fp16_troubles"]

TOLERATED = 0.01
"""‖rounded − exact‖ / ‖exact‖ of a value; the rounding of one number is below 0.0005."""

_MADE_BEFORE = frozenset({"Constant", "ConstantOfShape", "Shape", "Size", "Range"})


@dataclass(frozen=True)
class Trouble:
    """A value of the main graph that fp16 does not hold, where all that it is made of is well.

    Attributes:
        value: its name.
        kind: "overflow", "underflow" or "accuracy".
        largest: its largest magnitude on the samples, in fp32.
        stored: the largest magnitude of what is stored in fp16; ∞ for an overflow.
        error: ‖rounded − exact‖ / ‖exact‖ on the worst sample.
        squared: it is a length, whose square is stored on the way: that is what goes wrong.
    """

    value: str
    kind: str
    largest: float
    stored: float
    error: float
    squared: bool = False


def fp16_troubles(
    model: Model,
    samples: Sequence[Mapping[str, Array]],
    within_layers: Collection[str] = (),
    tell: Callable[[str], None] = lambda _text: None,
) -> tuple[Trouble, ...]:
    """Where computing in fp16 goes wrong on the samples, in the order of the file.

    Args:
        model: the model.
        samples: feeds by input name.
        within_layers: values that are stored nowhere, and so are not rounded: what a layer computes in between.
        tell: what is done, in a few words.

    Raises:
        EvaluationError: ONNX Runtime cannot run the model on the samples.
    """
    from rkgraph.analysis.evaluator import Evaluator
    from rkgraph.graph.half import HALF, compared_with_half

    main = model.view().main
    names = [
        name
        for node in main.nodes
        for name in node.outputs
        if name and node.op not in _MADE_BEFORE and main.value(name).dtype == "float32" and name not in within_layers
    ]
    if not names or not samples:
        return ()
    lengths = {node.outputs[0] for node in main.nodes_of("ReduceL2")}
    tell("run the model beside a copy in fp16")
    evaluator = Evaluator(compared_with_half(model.proto(weights=True), names))
    worst: dict[str, Trouble] = {}
    for sample in samples:
        results = evaluator.run(fitted(model, sample))
        for name in names:
            trouble = _trouble(name, results[f"{HALF}{name}/compared"].tolist(), squared=name in lengths)
            if trouble is not None and _weight(trouble) > _weight(worst.get(name)):
                worst[name] = trouble
    return tuple(worst[name] for name in _first(main, worst))


def _trouble(name: str, numbers: Sequence[float], *, squared: bool) -> Trouble | None:
    """What is wrong with one value on one sample, by the numbers of `graph.half.COMPARED`; `squared`: on the way."""
    exact, _, stored, error, norm = numbers
    relative = error / norm if norm else 0.0
    if not math.isfinite(exact):
        return None  # the model itself gives this; no target holds it
    if not math.isfinite(stored) or exact > FP16_MAX:
        return Trouble(name, "overflow", exact, math.inf, math.inf, squared)
    if 0 < exact < (math.sqrt(FP16_NORMAL) if squared else FP16_NORMAL) and relative > TOLERATED:
        return Trouble(name, "underflow", exact, stored, relative, squared)
    if relative > TOLERATED:
        return Trouble(name, "accuracy", exact, stored, relative)
    return None


def _weight(trouble: Trouble | None) -> tuple[int, float]:
    if trouble is None:
        return (-1, 0.0)
    return (("accuracy", "underflow", "overflow").index(trouble.kind), trouble.error)


def _first(main: GraphView, troubles: Mapping[str, Trouble]) -> list[str]:
    """The values in trouble that depend on no other one in trouble."""
    ill: set[str] = set()
    first = []
    for node in main.nodes:
        inherited = any(name in ill for name in node.reads)
        for name in node.outputs:
            if inherited:
                ill.add(name)
            elif name in troubles:
                ill.add(name)
                first.append(name)
    return first
