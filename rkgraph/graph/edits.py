"""The edits of a whole model: pinned shapes, frozen inputs, another opset. Each changes the protobuf in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

from rkgraph.errors import UsageError
from rkgraph.graph.pinning import inputs_by_name, pin
from rkgraph.graph.protos import constant_proto
from rkgraph.graph.tensors import dtype_name, size_of

if TYPE_CHECKING:
    from rkgraph.graph.weights import Weights

__all__ = ["freeze_inputs", "set_opset"]


def freeze_inputs(model: onnx.ModelProto, values: Mapping[str, npt.NDArray[Any]], weights: Weights) -> None:
    """Make inputs of `model` constants.

    A single number fills an input of fixed shape. Values are converted to the input's dtype where nothing is lost.
    Symbolic dimensions that a value settles are pinned everywhere.

    Raises:
        UsageError: no such input, or a value whose shape or dtype does not fit.
    """
    arrays = {}
    for name, value in inputs_by_name(model.graph, values, "--freeze").items():
        arrays[name] = _fitted(name, np.asarray(values[name]), value)
    pin(model, {name: array.shape for name, array in arrays.items()}, {}, option="--freeze", least=0)
    kept = [value for value in model.graph.input if value.name not in arrays]
    kept = [onnx.ValueInfoProto.FromString(value.SerializeToString()) for value in kept]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    model.graph.initializer.extend(constant_proto(name, array, weights) for name, array in arrays.items())


def set_opset(model: onnx.ModelProto, version: int) -> None:
    """Declare `version` of the standard domain, for the model and its functions."""
    for imports in (model.opset_import, *(function.opset_import for function in model.functions)):
        standard = [entry for entry in imports if entry.domain in ("", "ai.onnx")]
        for entry in standard:
            entry.version = version
        if not standard:
            imports.add(domain="", version=version)


def _fitted(name: str, value: npt.NDArray[Any], declared: onnx.ValueInfoProto) -> npt.NDArray[Any]:
    tensor = declared.type.tensor_type
    if not declared.type.HasField("tensor_type") or dtype_name(tensor.elem_type) is None:
        raise UsageError(f"--freeze {name}: the input is no tensor")
    if value.ndim == 0 and tensor.HasField("shape") and tensor.shape.dim:
        sizes = [size_of(dim) for dim in tensor.shape.dim]
        if None in sizes:
            raise UsageError(
                f"--freeze {name}: one number cannot fill an input of dynamic shape", f"add --shape {name}=…"
            )
        value = np.full([size for size in sizes if size is not None], value)
    converted = value.astype(helper.tensor_dtype_to_np_dtype(tensor.elem_type))
    if converted.dtype != value.dtype and not np.array_equal(converted, value):
        raise UsageError(
            f"--freeze {name}: values of dtype {value.dtype} do not fit the input's {dtype_name(tensor.elem_type)}",
            "give a .npy of the input's dtype",
        )
    return converted
