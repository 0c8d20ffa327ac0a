"""Cuts a self-contained model out of a graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnx

from rkgraph.graph.tensors import is_external
from rkgraph.graph.walk import model_tensors, node_reads
from rkgraph.graph.weights import Weights

__all__ = ["MissingValue", "UnknownDtype", "Values", "extract_model"]


class MissingValue(ValueError):
    """A value that is to be cut out, or that it is computed from, is not in the graph."""


class UnknownDtype(ValueError):
    """A value of unknown dtype cannot be the input of a model; inference does not look into other domains."""


@dataclass(frozen=True, eq=False)
class Values:
    """Where the values of the main graph of a model come from, by name; made once for many extractions."""

    makers: Mapping[str, onnx.NodeProto]
    places: Mapping[str, int]
    constants: Mapping[str, onnx.TensorProto | onnx.SparseTensorProto]
    given: frozenset[str]

    @classmethod
    def of(cls, graph: onnx.GraphProto) -> Values:
        """The values of `graph`."""
        made = [(name, index, node) for index, node in enumerate(graph.node) for name in node.output if name]
        return cls(
            makers={name: node for name, _, node in made},
            places={name: index for name, index, _ in made},
            constants={tensor.name: tensor for tensor in graph.initializer}
            | {sparse.values.name: sparse for sparse in graph.sparse_initializer},
            given=frozenset(value.name for value in graph.input),
        )


def extract_model(  # noqa: PLR0917  # the model and what is known of it, then what is wanted
    model: onnx.ModelProto,
    values: Values,
    types: Mapping[str, onnx.TypeProto],
    inputs: Sequence[str],
    outputs: Sequence[str],
    weights: Weights | None,
) -> onnx.ModelProto:
    """The part of the main graph of `model` that computes `outputs` from `inputs`.

    Args:
        model: the model, weightless.
        values: where its values come from.
        types: the types of its values as far as they are known.
        inputs: names of values; initializers may be among them. Those that are not in the graph are left out.
        outputs: names of values; an input among them is passed through an Identity under the name NAME/through.
        weights: where the weights lie, which are loaded; None leaves references to them.

    Raises:
        ValueError: an output needs an input of the model that is not in `inputs`.
        MissingValue: an output, or what it needs, is not in the graph.
        UnknownDtype: the dtype of an input is unknown.
    """
    needed, read = _needed(values, inputs, outputs)
    part = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import, functions=model.functions)
    part.graph.name = model.graph.name or "part"
    for name in inputs:
        if name in values.makers or name in values.constants or name in values.given:
            part.graph.input.append(_typed(name, types))
    for name in outputs:
        if name in inputs:
            part.graph.node.add(op_type="Identity", input=[name], output=[f"{name}/through"])
            part.graph.output.add(name=f"{name}/through", type=types.get(name, onnx.TypeProto()))
        else:
            part.graph.output.add(name=name, type=types.get(name, onnx.TypeProto()))
    part.graph.node.extend(needed[index] for index in sorted(needed))
    for name in sorted(read & values.constants.keys() - set(inputs)):
        constant = values.constants[name]
        if isinstance(constant, onnx.TensorProto):
            part.graph.initializer.append(constant)
        else:
            part.graph.sparse_initializer.append(constant)
    if weights is not None:
        for tensor in model_tensors(part):
            if is_external(tensor):
                weights.load(tensor)
    return part


def _needed(
    values: Values, inputs: Sequence[str], outputs: Sequence[str]
) -> tuple[dict[int, onnx.NodeProto], set[str]]:
    """The nodes, by place, that compute `outputs` from `inputs`, and all values on the way."""
    needed: dict[int, onnx.NodeProto] = {}
    read: set[str] = set()
    pending = [name for name in outputs if name not in inputs]
    while pending:
        name = pending.pop()
        if name in read or name in inputs:
            continue
        read.add(name)
        if name in values.makers:
            if values.places[name] not in needed:
                needed[values.places[name]] = values.makers[name]
                pending += node_reads(values.makers[name])
        elif name not in values.constants:
            insufficient = name in values.given
            kind, where = (ValueError, f"among {sorted(inputs)}") if insufficient else (MissingValue, "in the graph")
            raise kind(f"{sorted(outputs)} cannot be cut out: {name!r} is needed and is not {where}")
    return needed, read


def _typed(name: str, types: Mapping[str, onnx.TypeProto]) -> onnx.ValueInfoProto:
    if name not in types or types[name].WhichOneof("value") is None:
        raise UnknownDtype(f"the dtype of {name!r} is not known")
    return onnx.ValueInfoProto(name=name, type=types[name])
