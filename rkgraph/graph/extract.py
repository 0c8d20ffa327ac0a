"""Cuts a self-contained model out of a graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import onnx

from rkgraph.graph.tensors import is_external
from rkgraph.graph.walk import model_tensors, node_reads
from rkgraph.graph.weights import Weights

__all__ = ["MissingValue", "UnknownDtype", "extract_model"]


class MissingValue(ValueError):
    """A value that is to be cut out, or that it is computed from, is not in the graph."""


class UnknownDtype(ValueError):
    """A value of unknown dtype cannot be the input of a model; inference does not look into other domains."""


def extract_model(
    model: onnx.ModelProto,
    types: Mapping[str, onnx.TypeProto],
    inputs: Sequence[str],
    outputs: Sequence[str],
    weights: Weights,
) -> onnx.ModelProto:
    """The part of the main graph of `model` that computes `outputs` from `inputs`, weights loaded.

    Args:
        model: the model, weightless.
        types: the types of its values as far as they are known.
        inputs: names of values; initializers may be among them. Those that are not in the graph are left out.
        outputs: names of values; an input among them is passed through an Identity under the name NAME/through.
        weights: where the weights lie.

    Raises:
        ValueError: an output needs an input of the model that is not in `inputs`.
        MissingValue: an output, or what it needs, is not in the graph.
        UnknownDtype: the dtype of an input is unknown.
    """
    graph = model.graph
    makers = {name: index for index, node in enumerate(graph.node) for name in node.output if name}
    constants = {tensor.name for tensor in graph.initializer} | {s.values.name for s in graph.sparse_initializer}
    given = {value.name for value in graph.input}
    needed: set[int] = set()
    read: set[str] = set()
    pending = [name for name in outputs if name not in inputs]
    while pending:
        name = pending.pop()
        if name in read or name in inputs:
            continue
        read.add(name)
        if name in makers:
            if makers[name] not in needed:
                needed.add(makers[name])
                pending += node_reads(graph.node[makers[name]])
        elif name not in constants:
            kind, where = (ValueError, f"among {sorted(inputs)}") if name in given else (MissingValue, "in the graph")
            raise kind(f"{sorted(outputs)} cannot be cut out: {name!r} is needed and is not {where}")
    part = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import, functions=model.functions)
    part.graph.name = graph.name or "part"
    known = {*makers, *constants, *given}
    part.graph.input.extend(_typed(name, types) for name in inputs if name in known)
    for name in outputs:
        if name in inputs:
            part.graph.node.add(op_type="Identity", input=[name], output=[f"{name}/through"])
            part.graph.output.add(name=f"{name}/through", type=types.get(name, onnx.TypeProto()))
        else:
            part.graph.output.add(name=name, type=types.get(name, onnx.TypeProto()))
    part.graph.node.extend(graph.node[index] for index in sorted(needed))
    wanted = read - set(inputs)
    part.graph.initializer.extend(tensor for tensor in graph.initializer if tensor.name in wanted)
    part.graph.sparse_initializer.extend(s for s in graph.sparse_initializer if s.values.name in wanted)
    for tensor in model_tensors(part):
        if is_external(tensor):
            weights.load(tensor)
    return part


def _typed(name: str, types: Mapping[str, onnx.TypeProto]) -> onnx.ValueInfoProto:
    if name not in types or types[name].WhichOneof("value") is None:
        raise UnknownDtype(f"the dtype of {name!r} is not known")
    return onnx.ValueInfoProto(name=name, type=types[name])
