"""The forms in which compilers take recurrent layers, and what keeps a layer from having one.

rknn-toolkit2 makes one layer of a GRU or LSTM whose weights are constants, whose outputs all have names, that gives
biases wherever it gives a later input, and that has steps first (layout 0), `hidden_size` and no peepholes. A GRU
without a reader of Y does not build, nor does an LSTM of several sequences with lengths, nor one whose Y_c is read and
Y_h is not: cutting Y_c out of both joined is a reader that the optimiser leaves alone. An RNN is a GRU whose gates
stand still: its update gate is σ(−30) ≈ 1e-13, so that nothing of the old state is mixed in, and its reset gate
σ(30) = 1 in any float.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkgraph.rulebook.recurrent import RecurrentLayer

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer

__all__ = ["GATE_FIXED_AT", "Form", "better_form", "fails", "names_layout", "write_form"]

GATE_FIXED_AT = 30.0
"""Bias of a gate that stands still: 1 / (1 + exp(-30)) is 1 in float32."""

_NAMES = {"y": "Y", "h": "Y_h", "c": "Y_c"}
_BIASES_NEEDED = ("2.2.0",)  # versions that die (SIGSEGV) of a layer without
_LAYOUT_UNKNOWN = ("2.5.0",)  # versions that refuse the attribute always; the others where a Transpose of Y stays
_TAKES_A_TRANSPOSE = frozenset({"Transpose", "Relu", "Sigmoid", "Tanh"})  # readers that it is merged with or moved past
_ROWS = 2  # dimensions of a value of which the toolkit makes rows, whatever order it had
_LONGEST_SLICES = 16  # sequences of a batch whose last steps are cut out one by one


@dataclass(frozen=True)
class Form:
    """How a layer has to be changed: what is said of it, one sentence part a change."""

    changes: tuple[str, ...]


def better_form(lint: LintContext, graph: GraphView, layer: RecurrentLayer) -> Form | None:
    """What has to be changed for the compiler to take the layer; None if nothing does, or if no form would help."""
    weights = [layer.inputs[key] for key in ("w", "r", "b") if key in layer.inputs]
    if not all(lint.is_constant(graph, name) for name in weights):
        return None
    if "p" in layer.inputs or layer.flag("input_forget"):
        return None
    if layer.op == "RNN" and layer.clip is not None:
        return None  # it would bound the fixed gates, too
    if layer.op == "LSTM" and _has_odd_lengths(layer):
        return None
    if _takes_h_from_y(layer) and not _last_steps_known(graph, layer):
        return None
    changes = tuple(_changes(lint, layer))
    return Form(changes) if changes else None


def fails(lint: LintContext, graph: GraphView, layer: RecurrentLayer) -> bool:
    """Whether the layer does not build for a reason that op tables do not know of."""
    if _lacks_biases(lint, layer) or _has_refused_layout(lint, graph, layer):
        return True
    if layer.op == "LSTM":
        return _has_odd_lengths(layer) or _reads_cell_alone(layer)
    return _takes_h_from_y(layer)


def names_layout(layer: RecurrentLayer) -> bool:
    """Whether the layer says that steps come first, as they do anyway, in an attribute that came with opset 14."""
    return "layout" in layer.node.attributes and not layer.batchwise


def _has_refused_layout(lint: LintContext, graph: GraphView, layer: RecurrentLayer) -> bool:
    """Whether the layer names `layout` and is made anew by the toolkit, which then refuses the attribute.

    2.2.0 to 2.3.2 do so where a Transpose of Y is left: not joined with another behind the Reshape that follows it
    (measured with bidirectional layers as torch exports them, and eight readers). A Squeeze of Y is the op table's.
    """
    if not names_layout(layer):
        return False
    if lint.table.version in _LAYOUT_UNKNOWN:
        return True
    turned = [node for node in graph.consumers(layer.outputs.get("y", "")) if node.op == "Transpose"]
    return any(_stays(graph, node.outputs[0]) for node in turned)


def _stays(graph: GraphView, name: str) -> bool:
    """Whether a transposed value is read, behind a Reshape or not, by what the Transpose is not moved past."""
    shape = graph.value(name).shape
    if shape is not None and len(shape) == _ROWS:
        return False
    if name in graph.outputs:
        return True
    return any(
        _stays(graph, node.outputs[0]) if node.op == "Reshape" else node.op not in _TAKES_A_TRANSPOSE
        for node in graph.consumers(name)
    )


def _lacks_biases(lint: LintContext, layer: RecurrentLayer) -> bool:
    return "b" not in layer.inputs and lint.table.version in _BIASES_NEEDED


def _has_odd_lengths(layer: RecurrentLayer) -> bool:
    return not layer.same_lengths and layer.batch > 1


def _changes(lint: LintContext, layer: RecurrentLayer) -> Iterator[str]:
    if layer.op == "RNN":
        yield "as a GRU with fixed gates"
    if layer.batchwise:
        yield "with the steps first"
    elif names_layout(layer):
        yield "without the attribute layout, of which the compiler knows nothing"
    if any(not name for name in layer.node.outputs[: max(_places(layer), default=-1) + 1]):
        yield "with a name for every output"
    if "b" not in layer.inputs and (layer.inputs.keys() & {"lengths", "h", "c"} or _lacks_biases(lint, layer)):
        yield "with biases of zero"
    if "hidden_size" not in layer.node.attributes:
        yield "with hidden_size"
    if _takes_h_from_y(layer):
        yield "with the last state taken out of Y"
    if _reads_cell_alone(layer):
        yield "with the state read besides the cell"


def _places(layer: RecurrentLayer) -> list[int]:
    return ["yhc".index(key) for key in layer.outputs]


def _takes_h_from_y(layer: RecurrentLayer) -> bool:
    """Whether Y has to be read for the layer to be built: a GRU of whose outputs only the last state is read."""
    return layer.op != "LSTM" and "y" not in layer.outputs


def _reads_cell_alone(layer: RecurrentLayer) -> bool:
    """Whether the last cell of an LSTM is read, and its last state is not."""
    return "c" in layer.outputs and "h" not in layer.outputs


def _last_steps_known(graph: GraphView, layer: RecurrentLayer) -> bool:
    if layer.same_lengths:
        return True
    lengths = graph.constant(layer.inputs["lengths"])
    return lengths is not None and layer.batch <= _LONGEST_SLICES and min(lengths.values) > 0


def write_form(graph: GraphView, layer: RecurrentLayer, writer: Writer) -> dict[str, str]:
    """Record the layer in the form that is taken; the values that replace its outputs."""
    swap = (1, 0, 2) if layer.batchwise else (0, 1, 2)
    attributes = {k: v for k, v in layer.node.attributes.items() if k not in ("layout", "activations", "hidden_size")}
    if layer.op == "RNN":
        names = layer.node.attributes.get("activations") or ("Tanh",) * layer.directions
        attributes["activations"] = tuple(name for own in names for name in ("Sigmoid", own))
    elif "activations" in layer.node.attributes:
        attributes["activations"] = layer.node.attributes["activations"]
    lengths = "" if layer.same_lengths else layer.inputs["lengths"]
    states = [writer.transpose(layer.inputs[key], swap) if key in layer.inputs else "" for key in "hc"]
    inputs = [writer.transpose(layer.inputs["x"], swap), *_weights(layer, writer), lengths, *states]
    if not inputs[3]:  # they cost nothing
        zeros = [[0.0] * (2 * layer.gates * layer.hidden)] * layer.directions
        inputs[3] = writer.constant(zeros, layer.dtype, "biases")
    while not inputs[-1]:
        inputs.pop()
    op = "LSTM" if layer.op == "LSTM" else "GRU"
    needs_y = _takes_h_from_y(layer)
    count = 1 if needs_y else max(_places(layer)) + 1
    made = writer.tape.ops(op, *inputs, count=count, hidden_size=layer.hidden, **attributes)
    return _outputs(graph, layer, writer, dict(zip("yhc", made, strict=False)))


def _outputs(graph: GraphView, layer: RecurrentLayer, writer: Writer, made: dict[str, str]) -> dict[str, str]:
    found = {}
    for key, name in layer.outputs.items():
        if key == "c" and _reads_cell_alone(layer):
            both, count = writer.concat([made["h"], made["c"]], 0), layer.directions
            made = {**made, "c": writer.slice(both, [0], [count], [2 * count])}
        new = _last_state(graph, layer, writer, made["y"]) if key not in made else made[key]
        if layer.batchwise:
            new = writer.transpose(new, (2, 0, 1, 3) if key == "y" else (1, 0, 2))
        found[name] = new
    return found


def _last_state(graph: GraphView, layer: RecurrentLayer, writer: Writer, y: str) -> str:
    """The state behind the last step of each sequence, cut out of Y: (D, B, H)."""
    lengths = graph.constant(layer.inputs.get("lengths", ""))
    ends = (layer.steps,) * layer.batch if layer.same_lengths or lengths is None else lengths.values
    parts = []
    for place, reverse in enumerate(layer.reverse):
        lasts = [0 if reverse else int(end) - 1 for end in ends]
        if len(set(lasts)) == 1:
            rows = [writer.slice(y, (0, 1), (lasts[0], place), (lasts[0] + 1, place + 1))]
        else:
            rows = [
                writer.slice(y, (0, 1, 2), (last, place, row), (last + 1, place + 1, row + 1))
                for row, last in enumerate(lasts)
            ]
        parts.append(writer.concat(rows, 2))
    return writer.reshape(writer.concat(parts, 1), (layer.directions, layer.batch, layer.hidden))


def _weights(layer: RecurrentLayer, writer: Writer) -> tuple[str, str, str]:
    """W, R and B; those of an RNN as a GRU's: two gates that stand still, then the RNN's own rows."""
    own = [layer.inputs.get(key, "") for key in ("w", "r", "b")]
    if layer.op != "RNN":
        return own[0], own[1], own[2]
    hidden, directions, dtype = layer.hidden, layer.directions, layer.dtype
    widths = (layer.features, hidden)
    wide = [
        writer.concat([_zeros(writer, (directions, 2 * hidden, width), dtype), name], 1)
        for name, width in zip(own[:2], widths, strict=True)
    ]
    gates = [[-GATE_FIXED_AT] * hidden + [GATE_FIXED_AT] * hidden] * directions
    fixed, nothing = writer.constant(gates, dtype, "gates"), _zeros(writer, (directions, 2 * hidden), dtype)
    if not own[2]:
        return wide[0], wide[1], writer.concat([fixed, *[_zeros(writer, (directions, 4 * hidden), dtype)]], 1)
    of_w, of_r = writer.split(own[2], 1, (hidden, hidden))
    return wide[0], wide[1], writer.concat([fixed, of_w, nothing, of_r], 1)


def _zeros(writer: Writer, shape: tuple[int, ...], dtype: str) -> str:
    import numpy as np  # lint imports rules, and with them this file, and has no time for numpy

    return writer.constant(np.zeros(shape), dtype, "zeros")
