"""Whether a candidate is a sound model, asked before the predicate is; what is unsound shows other bugs."""

from __future__ import annotations

from enum import IntEnum

import onnx

from rkgraph.graph.inference import infer
from rkgraph.graph.tensors import is_external
from rkgraph.reduce.facts import copied

__all__ = ["Level", "Validity"]


class Level(IntEnum):
    """How sound a model is."""

    PARSES = 0
    CHECKED = 1
    INFERRED = 2


_SAID = {
    Level.PARSES: "onnx's checker refuses the model as it was given, so nothing but its structure was checked",
    Level.CHECKED: "it passes onnx's checker; strict shape inference fails on the model as it was given",
    Level.INFERRED: "it passes onnx's checker and strict shape inference",
}


class Validity:
    """Holds candidates to what the original itself keeps: the checker, and strict shape inference."""

    def __init__(self, original: onnx.ModelProto) -> None:
        self.level = _level(_without_large(original))

    @property
    def said(self) -> str:
        """What holds of the result, as a clause."""
        return _SAID[self.level]

    def completed(self, proto: onnx.ModelProto) -> onnx.ModelProto | None:
        """The candidate with the types of its outputs as inference finds them; None where it is not sound."""
        fresh = copied(proto)
        for value in fresh.graph.output:
            if value.type.HasField("tensor_type"):
                value.type.tensor_type.ClearField("shape")
        light = _without_large(fresh)
        found = {value.name: value.type for value in infer(copied(light))[0].graph.output}
        declared = {value.name: value.type for value in proto.graph.output}
        for model in (fresh, light):
            for value in model.graph.output:
                value.type.CopyFrom(_better(found.get(value.name), declared[value.name]))
        return fresh if _level(light) >= self.level else None

    def fits(self, proto: onnx.ModelProto) -> bool:
        """Whether inference finds no contradiction; a quick look before `completed`, outputs' shapes aside."""
        light = _without_large(proto)
        for value in light.graph.output:
            value.type.tensor_type.ClearField("shape")
        return self.level < Level.INFERRED or _infers(light.SerializeToString())


def _better(found: onnx.TypeProto | None, declared: onnx.TypeProto) -> onnx.TypeProto:
    """The inferred type, where inference came to one."""
    if found is None or found.WhichOneof("value") is None:
        return declared
    if found.HasField("tensor_type") and not found.tensor_type.HasField("shape"):
        return declared
    return found


def _level(light: onnx.ModelProto) -> Level:
    data = light.SerializeToString()
    try:
        onnx.checker.check_model(data)
    except (onnx.checker.ValidationError, RuntimeError, ValueError, TypeError):
        return Level.PARSES
    return Level.INFERRED if _infers(data) else Level.CHECKED


def _infers(data: bytes) -> bool:
    try:
        onnx.shape_inference.infer_shapes(data, check_type=True, strict_mode=True, data_prop=True)
    except (onnx.shape_inference.InferenceError, onnx.checker.ValidationError, RuntimeError, ValueError):
        return False
    return True


def _without_large(proto: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose large tensors are inputs: their bytes are elsewhere, and the checker would want them."""
    light = copied(proto)
    graph = light.graph
    inputs = {value.name for value in graph.input}
    large = [tensor for tensor in graph.initializer if is_external(tensor)]
    for tensor in large:
        graph.initializer.remove(tensor)
        if tensor.name not in inputs:
            graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tuple(tensor.dims)))
    for node in [node for node in graph.node if node.op_type == "Constant" and not node.domain]:
        for attribute in node.attribute:
            if attribute.name == "value" and is_external(attribute.t):
                info = onnx.helper.make_tensor_value_info(
                    node.output[0], attribute.t.data_type, tuple(attribute.t.dims)
                )
                graph.node.remove(node)
                graph.input.append(info)
    return light
