"""Shapes and dtypes of all values, by onnx's own inference, on a model without its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rkgraph.graph.expansion import MOST_EXPANDED, expands_beyond
from rkgraph.graph.proto import native, pb
from rkgraph.graph.references import read_reference, reference_of
from rkgraph.graph.shape_values import INT64, ShapeValue, Static, shape_values
from rkgraph.graph.stand_ins import with_stand_ins
from rkgraph.graph.tensors import SMALL, byte_size, element_count, is_external, size_of, symbol_of
from rkgraph.graph.walk import all_graphs, model_tensors
from rkgraph.graph.wire import INLINE_LIMIT, SELF

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, TypeProto

__all__ = ["infer", "inline_small"]


def infer(model: ModelProto) -> tuple[ModelProto, str]:
    """Infer shapes with data propagation, in subgraphs too; shape arithmetic that onnx does not follow is evaluated.

    What declares a dimension dynamic by a size below zero, or by the name "?", is taken out of `model`.

    Returns:
        The model with what was found in its value_info, and why inference stopped ("" if it did not). Where it
        stopped, the model is the one given.
    """
    for graph in all_graphs(model.graph):
        for value in (*graph.input, *graph.output, *graph.value_info):
            _forget_unknown(value.type)
    inferred, error = _infer_once(model)
    tried: frozenset[str] = frozenset()
    while not error:
        static = _static_shapes(inferred.graph)
        values = shape_values(inferred.graph, static)
        wanted = _wanted(inferred.graph, static, values)
        if wanted <= tried:
            break
        tried |= wanted
        more, stopped = _infer_once(_with_values(inferred, static, values, wanted))
        if stopped:
            break
        _adopt(inferred, more)
    return inferred, error


def _wanted(graph: GraphProto, static: Static, values: Mapping[str, ShapeValue]) -> frozenset[str]:
    """Computed values that we know, and that nodes whose output shapes are not known read."""
    computed = {name for node in graph.node if node.op_type != "Constant" for name in node.output}
    return frozenset(
        name
        for node in graph.node
        if any(output not in static for output in node.output if output)
        for name in node.input
        if name in values and name in computed
    )


def _static_shapes(graph: GraphProto) -> dict[str, tuple[int | None, ...]]:
    """Name → shape, for the values all of whose dimensions are known."""
    found: dict[str, tuple[int | None, ...]] = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.value_info, *graph.input, *graph.output):
        tensor = value.type.tensor_type
        sizes = tuple(size_of(dim) for dim in tensor.shape.dim)
        if tensor.HasField("shape") and None not in sizes:
            found[value.name] = sizes
    return found


def _with_values(
    model: ModelProto, static: Static, values: Mapping[str, ShapeValue], wanted: frozenset[str]
) -> ModelProto:
    """A copy in which the `wanted` values are read from constants, and nothing is said of shapes that are not static.

    A Range that reads vectors of one element reads scalars there: runtimes take both, inference takes scalars only.
    """
    copy = pb.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    constants: set[str] = set()
    for node in graph.node:
        is_range = node.op_type == "Range" and node.domain in ("", "ai.onnx")
        for position, name in enumerate(node.input):
            value = values.get(name)
            flatten = is_range and value is not None and value.shape == (1,)
            if value is None or not (flatten or name in wanted):
                continue
            stand_in = f"{name}\0{'scalar' if flatten else ''}"  # no name in a model that was read has a zero byte
            if stand_in not in constants:
                constants.add(stand_in)
                _add_constant(graph, stand_in, replace(value, shape=()) if flatten else value)
            node.input[position] = stand_in
    for info in graph.value_info:
        if info.name not in static and info.type.HasField("tensor_type"):
            info.type.tensor_type.ClearField("shape")
    return copy


def _add_constant(graph: GraphProto, name: str, value: ShapeValue) -> None:
    items = {"int64_data" if value.dtype == INT64 else "int32_data": value.items}
    graph.initializer.add(name=name, data_type=value.dtype, dims=value.shape, **items)


def _adopt(model: ModelProto, found: ModelProto) -> None:
    """Take over what was found about values and outputs."""
    del model.graph.value_info[:]
    model.graph.value_info.extend(found.graph.value_info)
    for own, other in zip(model.graph.output, found.graph.output, strict=True):
        own.type.CopyFrom(other.type)


def _forget_unknown(type_: TypeProto) -> None:
    """Say nothing of a dimension whose declared size or name only says that it is dynamic."""
    kind = type_.WhichOneof("value")
    if kind in ("sequence_type", "optional_type"):
        _forget_unknown(getattr(type_, kind).elem_type)
    elif kind == "tensor_type":
        for dim in type_.tensor_type.shape.dim:
            if size_of(dim) is None and symbol_of(dim) is None:
                dim.Clear()


def _infer_once(model: ModelProto) -> tuple[ModelProto, str]:
    if model.functions and expands_beyond(model):
        return model, f"its functions come to more than {MOST_EXPANDED} nodes"
    known = with_stand_ins(model)
    try:
        inferred = native.shape_inference.infer_shapes(known.SerializeToString(), False, False, True)
    except (native.shape_inference.InferenceError, native.checker.ValidationError, RuntimeError, ValueError) as error:
        return model, str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    found = pb.ModelProto.FromString(inferred)
    if known is model:
        return found, ""
    own = pb.ModelProto()
    own.CopyFrom(model)
    _adopt(own, found)
    return own, ""


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
