"""Outputs that are handed out in another shape: a Reshape behind what made them."""

from __future__ import annotations

import math

import onnx
from onnx import helper

from rkgraph.graph.changing import read_instead
from rkgraph.graph.rewrite import ReshapeOutputs
from rkgraph.graph.tensors import size_of

__all__ = ["reshape_outputs"]


def reshape_outputs(graph: onnx.GraphProto, edit: ReshapeOutputs) -> None:
    """Give outputs of `graph` the shapes of the edit; see `ReshapeOutputs`.

    Raises:
        ValueError: no such output, one that no node of the graph makes, one that is handed out twice, or a shape of
            another number of elements than its own (faults of the rule).
    """
    made = {name: node for node in graph.node for name in node.output if name}
    for name, shape in edit.shapes.items():
        declared = [value for value in graph.output if value.name == name]
        if len(declared) != 1 or name not in made:
            raise ValueError(f"{name!r} is to be reshaped, and is no output that a node makes once")
        tensor = declared[0].type.tensor_type
        sizes = [size_of(dim) for dim in tensor.shape.dim]
        known = [
            size for size in sizes if size is not None
        ]  # what inference knows better may be declared dynamic, or as a scalar
        whole, own = math.prod(shape), math.prod(known)
        if 0 in known or whole % own or (sizes and len(known) == len(sizes) and whole != own):
            raise ValueError(f"{name!r} of shape {sizes} is to become {list(shape)}")
        _behind(graph, made[name], declared[0], edit.inner[name], shape)


def _behind(
    graph: onnx.GraphProto, maker: onnx.NodeProto, output: onnx.ValueInfoProto, inner: str, shape: tuple[int, ...]
) -> None:
    kept = graph.value_info.add()
    kept.CopyFrom(output)
    kept.name = inner
    if not output.type.tensor_type.shape.dim:
        kept.type.tensor_type.ClearField("shape")
    read_instead(graph, {output.name: inner})
    maker.output[:] = [inner if name == output.name else name for name in maker.output]
    label = _free_label(graph, f"{inner}/reshaped")
    graph.node.append(helper.make_node("Reshape", [inner, f"{inner}/shape"], [output.name], label))
    graph.initializer.append(helper.make_tensor(f"{inner}/shape", onnx.TensorProto.INT64, [len(shape)], shape))
    dims = output.type.tensor_type.shape.dim
    del dims[:]
    for size in shape:
        dims.add(dim_value=size)


def _free_label(graph: onnx.GraphProto, wanted: str) -> str:
    """A name that no node of `graph` has: ONNX allows two of the same, readers of reports and logs do not."""
    taken = {node.name for node in graph.node}
    return next(
        name for number in range(len(taken) + 1) if (name := f"{wanted}_{number}" if number else wanted) not in taken
    )
