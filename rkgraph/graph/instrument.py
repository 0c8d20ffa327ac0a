"""Copies of a model that tell more than the model does: inner values as outputs, and values rounded on demand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from rkgraph.graph.changing import copied, set_entries

__all__ = ["ROUNDED", "exposed", "rounded_on_demand"]

ROUNDED = "rkgraph/rounded/"
"""The bool input that rounds the value NAME is called ROUNDED + NAME."""


def exposed(model: onnx.ModelProto, names: Iterable[str]) -> onnx.ModelProto:
    """The model with further outputs: the values `names` of its main graph, types left to inference."""
    copy = copied(model)
    present = {value.name for value in copy.graph.output}
    copy.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in present)
    return copy


def rounded_on_demand(model: onnx.ModelProto, ranges: Mapping[str, tuple[float, float]]) -> onnx.ModelProto:
    """The model with a switch for each value of `ranges`: rounded to 8 bits over its range where the switch is on.

    Rounding is asymmetric and per tensor: q = clip(round(x / scale) + zero_point, -128, 127) with
    scale = (high − low) / 255 and 0 in the range. So does the toolkit with activations, by its own configuration file.

    Args:
        model: with weights; the values are float32 outputs of nodes of the main graph.
        ranges: value → (lowest, highest) number it takes.
    """
    copy = copied(model)
    makers = {name: node for node in copy.graph.node for name in node.output if name}
    added: dict[int, list[onnx.NodeProto]] = {}
    for name, (low, high) in ranges.items():
        node = makers[name]
        raw = f"{ROUNDED}{name}/raw"
        node.output[list(node.output).index(name)] = raw
        added.setdefault(id(node), []).extend(_rounding(copy.graph, name, raw, min(low, 0.0), max(high, 0.0)))
    nodes = [new for node in copy.graph.node for new in (node, *added.get(id(node), ()))]
    set_entries(copy.graph.node, nodes)
    return copy


def _rounding(graph: onnx.GraphProto, name: str, raw: str, low: float, high: float) -> list[onnx.NodeProto]:
    """Nodes that make `name` of `raw`: itself, or rounded where the switch is on."""
    scale = np.float32(max(high - low, 1e-12) / 255)
    zero = np.float32(np.clip(np.round(-128 - low / scale), -128, 127))
    stem = f"{ROUNDED}{name}/"
    numbers = {"scale": scale, "zero": zero, "least": np.float32(-128), "most": np.float32(127)}
    graph.initializer.extend(numpy_helper.from_array(np.asarray(value), stem + key) for key, value in numbers.items())
    graph.input.append(helper.make_tensor_value_info(ROUNDED + name, TensorProto.BOOL, []))
    steps = (
        ("Div", (raw, stem + "scale"), "steps"),
        ("Round", (stem + "steps",), "whole"),
        ("Add", (stem + "whole", stem + "zero"), "shifted"),
        ("Max", (stem + "shifted", stem + "least"), "low"),
        ("Min", (stem + "low", stem + "most"), "code"),
        ("Sub", (stem + "code", stem + "zero"), "back"),
        ("Mul", (stem + "back", stem + "scale"), "rounded"),
    )
    nodes = [helper.make_node(op, inputs, [stem + result]) for op, inputs, result in steps]
    return [*nodes, helper.make_node("Where", [ROUNDED + name, stem + "rounded", raw], [name])]
