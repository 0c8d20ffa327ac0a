"""A drawn case as a model with inputs and what ONNX Runtime makes of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper, numpy_helper

from benchmarks.drawn.case import Array, Case
from benchmarks.suite_cases import agree, run

__all__ = ["DrawnModel", "Refused", "build", "name_of"]

IR_VERSION = 9
LONGEST_NAME = 150


class Refused(ValueError):
    """No model to measure on: why."""


@dataclass(frozen=True)
class DrawnModel:
    """A checked model, the inputs it was drawn with, and the outputs ONNX Runtime gives."""

    model: onnx.ModelProto
    feeds: Mapping[str, Array]
    expected: Mapping[str, Array]


def build(case: Case) -> DrawnModel:
    """The model of one node whose outputs are declared as ONNX Runtime returns them.

    Raises:
        Refused: ONNX Runtime does not run it or not twice alike, nothing is fed, or an output is empty, no tensor
            or not finite.
    """
    model = _model(case)
    feeds = {
        f"i{index}": value
        for index, value in enumerate(case.inputs)
        if value is not None and index not in case.constants
    }
    if not feeds:
        raise Refused("all inputs are constants")
    expected = _expected(model, feeds)
    for output in model.graph.output:
        output.CopyFrom(_declared(output.name, expected[output.name]))
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise Refused(str(error)) from error
    difference = agree(expected, _expected(model, feeds))
    if difference:
        raise Refused(f"differs from run to run: {difference}")
    return DrawnModel(model, feeds, expected)


def name_of(case: Case) -> str:
    """Operator, opset, inputs (shape, type, c for constant) and attributes, fit for a folder's name."""
    inputs = (
        "x".join(map(str, value.shape))
        + f"{value.dtype.kind}{8 * value.dtype.itemsize}"
        + "c" * (index in case.constants)
        for index, value in enumerate(case.inputs)
        if value is not None
    )
    attributes = (f"{name}{value}" for name, value in case.attributes.items())
    text = "_".join((case.op, f"o{case.opset}", *inputs, *attributes))
    return re.sub(r"[^\w.-]+", "_", text)[:LONGEST_NAME]


def _model(case: Case) -> onnx.ModelProto:
    names = ["" if value is None else f"i{index}" for index, value in enumerate(case.inputs)]
    while not names[-1]:
        names.pop()
    node = helper.make_node(case.op, names, list(case.outputs), name="op", **case.attributes)
    inputs, initializers = [], []
    for index, (name, value) in enumerate(zip(names, case.inputs, strict=False)):
        if value is None:
            continue
        if index in case.constants:
            initializers.append(numpy_helper.from_array(value, name))
        else:
            inputs.append(_declared(name, value))
    outputs = [helper.make_empty_tensor_value_info(name) for name in case.outputs if name]
    graph = helper.make_graph([node], "g", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", case.opset)], ir_version=IR_VERSION)


def _declared(name: str, value: Array) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)


def _expected(model: onnx.ModelProto, feeds: Mapping[str, Array]) -> Mapping[str, Array]:
    try:
        found = run(model.SerializeToString(), feeds)
    except Exception as error:  # ONNX Runtime raises anything
        raise Refused(str(error)) from error
    for name, value in found.items():
        if not isinstance(value, np.ndarray):
            raise Refused(f"{name} is no tensor")
        if value.size == 0:
            raise Refused(f"{name} is empty")
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise Refused(f"{name} is not finite")
    return found
