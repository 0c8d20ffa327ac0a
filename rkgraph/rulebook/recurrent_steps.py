"""A recurrent layer written as the steps that it takes: MatMul, Add, Sigmoid, Tanh … for each of its T steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkgraph.rulebook.recurrent import Activation, RecurrentLayer

if TYPE_CHECKING:
    from rkgraph.rulebook.writer import Writer

__all__ = ["NODES_A_STEP", "unroll"]

NODES_A_STEP = {"RNN": 5, "GRU": 14, "LSTM": 18}
"""About how many nodes a step of one direction takes."""

_PLAIN = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "softplus": "Softplus"}
_WITH_ALPHA = {"leakyrelu": "LeakyRelu", "elu": "Elu", "thresholdedrelu": "ThresholdedRelu"}


def unroll(layer: RecurrentLayer, writer: Writer) -> dict[str, str]:
    """Record the steps of `layer`; the values that replace its outputs, by the names of those that are read."""
    results = [_Direction(layer, writer, place).run() for place in range(layer.directions)]
    found: dict[str, str] = {}
    if "y" in layer.outputs:
        parts = [_sequence(layer, writer, steps) for steps, _ in results]
        y = writer.concat(parts, 1)
        found[layer.outputs["y"]] = writer.transpose(y, (2, 0, 1, 3)) if layer.batchwise else y
    for key in ("h", "c"):
        if key in layer.outputs:
            states = [writer.reshape(ends[key], (1, layer.batch, layer.hidden)) for _, ends in results]
            state = writer.concat(states, 0)
            found[layer.outputs[key]] = writer.transpose(state, (1, 0, 2)) if layer.batchwise else state
    return found


def _sequence(layer: RecurrentLayer, writer: Writer, steps: tuple[str, ...]) -> str:
    """Y of one direction: (T, 1, B, H)."""
    return writer.reshape(writer.concat(steps, 0), (layer.steps, 1, layer.batch, layer.hidden))


class _Direction:
    """One direction of a layer. States and results of steps are (B, H)."""

    def __init__(self, layer: RecurrentLayer, writer: Writer, place: int) -> None:
        self.layer, self.writer, self.place = layer, writer, place
        self.activations = layer.activations[place]

    def run(self) -> tuple[tuple[str, ...], dict[str, str]]:
        """What Y holds for each step, from the first to the last, and the last h and c ("" where there is no c)."""
        layer, writer = self.layer, self.writer
        gates = self._inputs()
        weights = writer.transpose(self._own("r"), (1, 0))
        h, c = self._state("h"), self._state("c")
        order = range(layer.steps)
        shown = [""] * layer.steps
        for step in reversed(order) if layer.reverse[self.place] else order:
            new_h, new_c = getattr(self, f"_{layer.op.lower()}")(gates[step], h, c, weights)
            keep = None if layer.same_lengths else self._is_within(step)
            shown[step] = new_h if keep is None else writer.op("Mul", new_h, keep)
            h = new_h if keep is None else self._chosen(shown[step], h, keep)
            c = new_c if keep is None or not new_c else self._chosen(writer.op("Mul", new_c, keep), c, keep)
        if not layer.same_lengths:  # ONNX Runtime gives zeros for a sequence without a single step
            some = self._is_within(0)
            h, c = writer.op("Mul", h, some), writer.op("Mul", c, some) if c else ""
        return tuple(shown), {"h": h, "c": c}

    def _rnn(self, gates: str, h: str, _c: str, weights: str) -> tuple[str, str]:
        return self._act(0, self._plus(gates, self._product(h, weights))), ""

    def _lstm(self, gates: str, h: str, c: str, weights: str) -> tuple[str, str]:
        writer = self.writer
        i, o, f, g = self._parts(self._plus(gates, self._product(h, weights)), 4)
        peep_i, peep_o, peep_f = self._peepholes()
        i = self._act(0, self._plus(i, self._scaled(c, peep_i)))
        coupled = self.layer.flag("input_forget")
        f = self._complement(i) if coupled else self._act(0, self._plus(f, self._scaled(c, peep_f)))
        new = self._plus(writer.op("Mul", i, self._act(1, g)), self._scaled(c, f))
        o = self._act(0, self._plus(o, self._scaled(new, peep_o)))
        return writer.op("Mul", o, self._act(2, new, clipped=False)), new

    def _gru(self, gates: str, h: str, _c: str, weights: str) -> tuple[str, str]:
        writer, hidden = self.writer, self.layer.hidden
        late = self.layer.flag("linear_before_reset")
        bias = self._late_bias() if late else ""
        if not h:
            z, r, g = self._parts(gates, 3)
            reset = writer.op("Mul", self._act(0, r), bias) if bias else ""
            return writer.op("Mul", self._complement(self._act(0, z)), self._act(1, self._plus(g, reset))), ""
        if late:
            z, r, g = self._parts(gates, 3)
            more_z, more_r, more_g = self._parts(self._product(h, weights), 3)
            r = self._act(0, self._plus(r, more_r))
            z, g = self._plus(z, more_z), self._plus(g, writer.op("Mul", r, self._plus(more_g, bias)))
        else:
            both, g = writer.split(gates, 1, (2 * hidden, hidden))
            of_both, of_g = writer.split(weights, 1, (2 * hidden, hidden))
            z, r = self._parts(self._plus(both, self._product(h, of_both)), 2)
            g = self._plus(g, self._product(writer.op("Mul", self._act(0, r), h), of_g))
        z, g = self._act(0, z), self._act(1, g)
        return writer.op("Add", writer.op("Mul", self._complement(z), g), writer.op("Mul", z, h)), ""

    def _inputs(self) -> tuple[str, ...]:
        """X·Wᵀ + biases of every step: T times (B, G·H)."""
        layer, writer = self.layer, self.writer
        x = writer.transpose(layer.inputs["x"], (1, 0, 2) if layer.batchwise else (0, 1, 2))
        flat = writer.reshape(x, (layer.steps * layer.batch, layer.features))
        gates = writer.op("MatMul", flat, writer.transpose(self._own("w"), (1, 0)))
        for bias in self._early_biases():
            gates = writer.op("Add", gates, bias)
        return writer.split(gates, 0, (layer.batch,) * layer.steps)

    def _early_biases(self) -> tuple[str, ...]:
        """What is added before the gates: (G·H) each. The bias of a reset that comes late has zeros here."""
        layer, writer = self.layer, self.writer
        if "b" not in layer.inputs:
            return ()
        size = layer.gates * layer.hidden
        of_w, of_r = writer.split(self._own("b"), 0, (size, size))
        if layer.op == "GRU" and layer.flag("linear_before_reset"):
            ones = [1.0] * (2 * layer.hidden) + [0.0] * layer.hidden
            of_r = writer.op("Mul", of_r, writer.constant(ones, layer.dtype, "early"))
        return of_w, of_r

    def _late_bias(self) -> str:
        """The recurrent bias of a GRU's new state (H), for a reset behind the product; "" where there is none."""
        layer, writer = self.layer, self.writer
        if "b" not in layer.inputs:
            return ""
        return writer.slice(self._own("b"), (0,), (5 * layer.hidden,), (6 * layer.hidden,))

    def _peepholes(self) -> tuple[str, str, str]:
        """Factors (H) of the cell state for the gates i, o and f; "" where there are none."""
        if "p" not in self.layer.inputs:
            return "", "", ""
        i, o, f = self.writer.split(self._own("p"), 0, (self.layer.hidden,) * 3)
        return i, o, f

    def _own(self, key: str) -> str:
        """This direction's part of W, R, B or P, without the axis of the directions."""
        layer, writer = self.layer, self.writer
        rows = layer.gates * layer.hidden
        sizes = {"w": (rows, layer.features), "r": (rows, layer.hidden), "b": (2 * rows,), "p": (3 * layer.hidden,)}
        name = layer.inputs[key]
        if layer.directions > 1:
            name = writer.slice(name, (0,), (self.place,), (self.place + 1,))
        return writer.reshape(name, sizes[key])

    def _state(self, key: str) -> str:
        """The state before the first step, "" where it is zero."""
        layer, writer = self.layer, self.writer
        if key not in layer.inputs:
            return ""
        axis = 1 if layer.batchwise else 0
        name = layer.inputs[key]
        if layer.directions > 1:
            name = writer.slice(name, (axis,), (self.place,), (self.place + 1,))
        return writer.reshape(name, (layer.batch, layer.hidden))

    def _is_within(self, step: int) -> str:
        """1 for the sequences that have this step, 0 for those that are shorter: (B, 1)."""
        layer, writer = self.layer, self.writer
        lengths = writer.reshape(writer.cast(layer.inputs["lengths"], layer.dtype), (layer.batch, 1))
        more = writer.op("Sub", lengths, writer.constant(float(step), layer.dtype, "step"))
        return writer.clip(more, layer.dtype, 0.0, 1.0)

    def _chosen(self, new: str, old: str, keep: str) -> str:
        """`new`, zero already where it is not kept, else the old state."""
        return self._plus(new, self.writer.op("Mul", old, self._complement(keep)) if old else "")

    def _product(self, h: str, weights: str) -> str:
        return self.writer.op("MatMul", h, weights) if h else ""

    def _scaled(self, state: str, factor: str) -> str:
        return self.writer.op("Mul", state, factor) if state and factor else ""

    def _plus(self, first: str, second: str) -> str:
        """The sum; "" is zero."""
        return self.writer.op("Add", first, second) if first and second else first or second

    def _parts(self, gates: str, count: int) -> tuple[str, ...]:
        return self.writer.split(gates, 1, (self.layer.hidden,) * count)

    def _complement(self, x: str) -> str:
        return self.writer.op("Sub", self._number(1.0), x)

    def _number(self, number: float) -> str:
        return self.writer.constant(number, self.layer.dtype, "number")

    def _act(self, place: int, x: str, *, clipped: bool = True) -> str:
        layer, writer, activation = self.layer, self.writer, self.activations[place]
        if clipped and layer.clip is not None:
            x = writer.clip(x, layer.dtype, -layer.clip, layer.clip)
        return _activated(self, activation, x)


def _activated(of: _Direction, activation: Activation, x: str) -> str:
    writer, name, alpha, beta = of.writer, activation.name, activation.alpha, activation.beta
    if name in _PLAIN:
        return writer.op(_PLAIN[name], x)
    if name in _WITH_ALPHA:
        return writer.op(_WITH_ALPHA[name], x, alpha=alpha)
    if name == "hardsigmoid":
        return writer.op("HardSigmoid", x, alpha=alpha, beta=beta)
    if name == "softsign":
        return writer.op("Div", x, writer.op("Add", writer.op("Abs", x), of._number(1.0)))
    if name == "scaledtanh":
        inner = writer.op("Tanh", writer.op("Mul", x, of._number(beta)))
        return writer.op("Mul", inner, of._number(alpha))
    return writer.op("Add", writer.op("Mul", x, of._number(alpha)), of._number(beta))  # affine
