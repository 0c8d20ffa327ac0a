"""Sequences and optional values at the edge of a model, as tensors: boards take and give nothing else.

A sequence NAME of n tensors becomes the tensors NAME[0] … NAME[n-1]; an optional tensor that is there keeps its name.
What holds nothing goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import onnx
from onnx import TypeProto, helper

from rkgraph.graph.changing import read_instead, set_entries

__all__ = ["element_names", "open_inputs", "open_outputs"]

Shapes = Sequence[Sequence[int]]


def element_names(name: str, count: int) -> tuple[str, ...]:
    """What the elements of the sequence `name` are called as inputs or outputs of their own."""
    return tuple(f"{name}[{index}]" for index in range(count))


def open_inputs(graph: onnx.GraphProto, inputs: Mapping[str, Shapes]) -> None:
    """Replace each of `inputs` by the tensors that it holds, of these shapes.

    Nodes at the beginning put them together again: SequenceConstruct makes NAME of the elements, Optional makes
    NAME/optional of the tensor NAME, and readers of NAME read that. Where there are no
    shapes, NAME holds nothing: SequenceEmpty or an Optional of nothing makes it.

    Raises:
        ValueError: one is no input, is no sequence or optional of tensors, or has another number of shapes than it
            takes (faults of the caller).
    """
    wanted = dict(inputs)
    values: list[onnx.ValueInfoProto] = []
    nodes: list[onnx.NodeProto] = []
    for value in graph.input:
        if value.name not in wanted:
            values.append(value)
            continue
        shapes = wanted.pop(value.name)
        if not shapes:
            nodes.append(_nothing(value))
            continue
        is_optional, is_sequence, held = _held(value.type)
        inner = f"{value.name}/held" if is_optional and is_sequence else value.name
        names = element_names(value.name, len(shapes)) if is_sequence else (value.name,)
        if len(shapes) != len(names) or not (is_optional or is_sequence):
            raise ValueError(f"{value.name!r} cannot be made {len(shapes)} tensors")
        values += [helper.make_tensor_value_info(n, held.elem_type, s) for n, s in zip(names, shapes, strict=True)]
        if is_sequence:
            nodes.append(helper.make_node("SequenceConstruct", names, [inner], inner))
        if is_optional:
            outer = value.name if is_sequence else f"{value.name}/optional"
            nodes.append(helper.make_node("Optional", [inner], [outer], outer))
            if not is_sequence:
                if any(output.name == value.name for output in graph.output):
                    raise ValueError(f"{value.name!r} is an output, too")
                read_instead(graph, {value.name: outer})
    if wanted:
        raise ValueError(f"there are no inputs {sorted(wanted)}")
    set_entries(graph.input, values)
    set_entries(graph.node, [*nodes, *graph.node])


def open_outputs(graph: onnx.GraphProto, outputs: Mapping[str, int]) -> None:
    """Replace each of `outputs`, a sequence, by as many tensors as it has elements: SequenceAt reads each.

    An optional sequence has to be there (OptionalGetElement reads it).

    Raises:
        ValueError: one is no output that is a sequence (a fault of the caller).
    """
    values: list[onnx.ValueInfoProto] = []
    for value in graph.output:
        count = outputs.get(value.name)
        if count is None:
            values.append(value)
            continue
        is_optional, is_sequence, held = _held(value.type)
        if not is_sequence:
            raise ValueError(f"{value.name!r} is no sequence")
        source = f"{value.name}/held" if is_optional else value.name
        if is_optional:
            graph.node.append(helper.make_node("OptionalGetElement", [value.name], [source], source))
        for index, name in enumerate(element_names(value.name, count)):
            place = f"{name}/position"
            graph.initializer.append(helper.make_tensor(place, onnx.TensorProto.INT64, [], [index]))
            graph.node.append(helper.make_node("SequenceAt", [source, place], [name], name))
            values.append(helper.make_tensor_value_info(name, held.elem_type, None))
    set_entries(graph.output, values)


def _nothing(value: onnx.ValueInfoProto) -> onnx.NodeProto:
    """What makes an optional value without content, or a sequence without elements."""
    is_optional, is_sequence, held = _held(value.type)
    if is_optional:
        return helper.make_node("Optional", [], [value.name], value.name, type=value.type.optional_type.elem_type)
    if is_sequence:
        return helper.make_node("SequenceEmpty", [], [value.name], value.name, dtype=held.elem_type)
    raise ValueError(f"{value.name!r} is a tensor, and holds something")


def _held(type_: TypeProto) -> tuple[bool, bool, TypeProto.Tensor]:
    """Whether a type is optional, whether it is a sequence, and the tensor that it holds."""
    is_optional = type_.HasField("optional_type")
    inner = type_.optional_type.elem_type if is_optional else type_
    is_sequence = inner.HasField("sequence_type")
    return is_optional, is_sequence, (inner.sequence_type.elem_type if is_sequence else inner).tensor_type
