"""What is known of the values of a candidate: their types, and the whole numbers that shape arithmetic comes to."""

from __future__ import annotations

from collections.abc import Mapping

import onnx

from rkgraph.graph.inference import infer
from rkgraph.graph.shape_values import ShapeValue, shape_values
from rkgraph.graph.tensors import size_of

__all__ = ["Facts", "copied", "shape_of"]


class Facts:
    """Types and known values of the main graph of `proto`, by name.

    Attributes:
        types: of inputs, initializers and whatever inference finds.
        values: scalars and short vectors of whole numbers that do not depend on inputs.
    """

    def __init__(self, proto: onnx.ModelProto) -> None:
        graph = infer(copied(proto))[0].graph
        self.types: Mapping[str, onnx.TypeProto] = {
            value.name: value.type for value in (*graph.value_info, *graph.output, *graph.input)
        } | {
            tensor.name: onnx.helper.make_tensor_type_proto(tensor.data_type, tuple(tensor.dims))
            for tensor in graph.initializer
        }
        static = {name: shape for name, type_ in self.types.items() if (shape := shape_of(type_)) is not None}
        self.values: Mapping[str, ShapeValue] = shape_values(graph, static)

    def same_type(self, first: str, second: str) -> bool:
        """Both are tensors of one dtype and one static shape."""
        a, b = self.types.get(first), self.types.get(second)
        return (
            a is not None
            and b is not None
            and shape_of(a) is not None
            and shape_of(a) == shape_of(b)
            and (a.tensor_type.elem_type == b.tensor_type.elem_type)
        )

    def same_dtype(self, first: str, second: str) -> bool:
        """Both are tensors of one dtype."""
        a, b = self.types.get(first), self.types.get(second)
        if a is None or b is None or not a.HasField("tensor_type") or not b.HasField("tensor_type"):
            return False
        return a.tensor_type.elem_type == b.tensor_type.elem_type != 0


def shape_of(type_: onnx.TypeProto) -> tuple[int, ...] | None:
    """The shape of a tensor type; None where it is no tensor, or not static."""
    if not type_.HasField("tensor_type") or not type_.tensor_type.HasField("shape"):
        return None
    sizes = [size_of(dim) for dim in type_.tensor_type.shape.dim]
    known = tuple(size for size in sizes if size is not None)
    return known if len(known) == len(sizes) else None


def copied(proto: onnx.ModelProto) -> onnx.ModelProto:
    """A copy that may be changed."""
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    return copy
