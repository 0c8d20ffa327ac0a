"""Shapes and dtypes of all values, by onnx's own inference, on a model without its weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rkgraph.graph.proto import native, pb
from rkgraph.graph.references import read_reference, reference_of
from rkgraph.graph.tensors import SMALL, byte_size, element_count, is_external
from rkgraph.graph.walk import model_tensors
from rkgraph.graph.wire import INLINE_LIMIT, SELF

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["infer", "inline_small"]


def infer(model: ModelProto) -> tuple[ModelProto, str]:
    """Infer shapes with data propagation, in subgraphs too.

    Returns:
        The model with what was found in its value_info, and why inference stopped ("" if it did not). Where it
        stopped, the model is the one given.
    """
    try:
        inferred = native.shape_inference.infer_shapes(model.SerializeToString(), False, False, True)
    except (RuntimeError, ValueError) as error:  # the extension's InferenceError, and its std::exception
        return model, str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return pb.ModelProto.FromString(inferred), ""


def inline_small(model: ModelProto, path: Path) -> None:
    """Read the small external tensors of the model at `path` into it, for inference needs the values of shapes.

    Every other external tensor is checked: its file is there, inside the model's folder and long enough.

    Raises:
        ModelError: an external file is missing, too short or outside the folder.
    """
    from rkgraph.graph.references import locate

    for tensor in model_tensors(model):
        if not is_external(tensor):
            continue
        reference = reference_of(tensor, path)
        if reference.location == SELF:
            continue
        _, length = locate(reference, tensor.name, path)
        if 0 <= element_count(tensor.dims) <= SMALL and length <= INLINE_LIMIT and length == byte_size(tensor):
            tensor.raw_data = read_reference(reference, tensor.name, path)
            del tensor.external_data[:]
            tensor.ClearField("data_location")
