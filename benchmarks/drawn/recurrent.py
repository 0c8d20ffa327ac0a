"""RNN, GRU and LSTM with every optional input, output and activation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks.drawn.case import Array, Case, Draw, Family

__all__ = ["FAMILIES"]

ALPHA: Mapping[str, float] = {
    "Affine": 0.5,
    "LeakyRelu": 0.1,
    "ThresholdedRelu": 0.2,
    "ScaledTanh": 1.2,
    "HardSigmoid": 0.3,
    "Elu": 0.7,
}
BETA: Mapping[str, float] = {"Affine": 0.1, "ScaledTanh": 0.8, "HardSigmoid": 0.4}
ACTIVATIONS = ("Relu", "Tanh", "Sigmoid", "Softsign", "Softplus", *ALPHA)


@dataclass(frozen=True)
class Cell:
    """What sets the three operators apart."""

    op: str
    gates: int
    activations: int
    outputs: int


def recurrent(cell: Cell, draw: Draw) -> Case:
    """One layer, forward, reverse or both; weights are initializers, states and lengths often inputs.

    Not batch first (`layout` 1): ONNX Runtime runs none of these.
    """
    steps, batch, width, hidden = draw.whole(1, 5), draw.whole(1, 3), draw.whole(2, 6), draw.whole(2, 6)
    direction = draw.one(("forward", "reverse", "bidirectional"))
    ways = 2 if direction == "bidirectional" else 1
    state = (ways, batch, hidden)
    inputs: list[Array | None] = [
        draw.array((steps, batch, width)),
        draw.array((ways, cell.gates * hidden, width), low=-0.5, high=0.5),
        draw.array((ways, cell.gates * hidden, hidden), low=-0.5, high=0.5),
        draw.array((ways, 2 * cell.gates * hidden), low=-0.3, high=0.3) if draw.maybe(0.6) else None,
        _lengths(draw, steps, batch) if draw.maybe(0.3) else None,
        draw.array(state, low=-1, high=1) if draw.maybe(0.5) else None,
    ]
    constants = [1, 2, 3, 7]
    if draw.maybe(0.7):
        constants.append(4)
    if cell.op == "LSTM":
        inputs.append(draw.array(state, low=-1, high=1) if draw.maybe(0.5) else None)
        inputs.append(draw.array((ways, 3 * hidden), low=-0.3, high=0.3) if draw.maybe(0.3) else None)
    attributes = {"hidden_size": hidden, "direction": direction, **_settings(draw, cell, ways)}
    return Case(cell.op, inputs, attributes, draw.one((7, 14, 17)), constants, _outputs(draw, cell.outputs))


def _lengths(draw: Draw, steps: int, batch: int) -> Array:
    """How long each sequence is; one is as long as there are steps."""
    lengths = draw.array((batch,), "int32", 1, steps + 1)
    lengths[draw.whole(0, batch - 1)] = steps
    return np.asarray(lengths)


def _settings(draw: Draw, cell: Cell, ways: int) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    if cell.op == "LSTM" and draw.maybe(0.15):
        found["input_forget"] = 1
    if cell.op == "GRU" and draw.maybe(0.5):
        found["linear_before_reset"] = 1
    if draw.maybe(0.35):
        found["activations"] = [draw.one(ACTIVATIONS) for _ in range(cell.activations * ways)]
        if draw.maybe(0.6):
            alpha = [ALPHA[name] for name in found["activations"] if name in ALPHA]
            beta = [BETA[name] for name in found["activations"] if name in BETA]
            found |= {k: v for k, v in (("activation_alpha", alpha), ("activation_beta", beta)) if v}
    if draw.maybe(0.3):
        found["clip"] = draw.one((0.5, 2.0))
    return found


def _outputs(draw: Draw, count: int) -> tuple[str, ...]:
    """One or more of the outputs, those left out as ""."""
    names = [f"y{index}" if draw.maybe(0.7) else "" for index in range(count)]
    if not any(names):
        names[0] = "y0"
    while not names[-1]:
        names.pop()
    return tuple(names)


CELLS = (Cell("RNN", 1, 1, 2), Cell("GRU", 3, 2, 2), Cell("LSTM", 4, 3, 3))

FAMILIES: Mapping[str, Family] = {cell.op: partial(recurrent, cell) for cell in CELLS}
