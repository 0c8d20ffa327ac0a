"""The edits of a whole model: shapes, inputs, names, dtypes at its edge, opset. Each changes the protobuf in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

from rkgraph.errors import UsageError
from rkgraph.graph.changing import read_instead, set_entries
from rkgraph.graph.pinning import inputs_by_name, pin
from rkgraph.graph.protos import constant_proto
from rkgraph.graph.tensors import dtype_code, dtype_name, size_of
from rkgraph.graph.walk import all_graphs, node_reads

if TYPE_CHECKING:
    from rkgraph.graph.weights import Weights

__all__ = [
    "add_input",
    "drop_nodes",
    "freeze_inputs",
    "rename_constants",
    "retype_interface",
    "set_opset",
    "widen_scalars",
]


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
    set_entries(model.graph.input, kept)
    model.graph.initializer.extend(constant_proto(name, array, weights) for name, array in arrays.items())


def retype_interface(model: onnx.ModelProto, inputs: Mapping[str, str], outputs: Mapping[str, str]) -> None:
    """Give inputs and outputs of `model` other dtypes, by name in numpy spelling: see `RetypeInterface`.

    Raises:
        ValueError: no such input or output, or something else than a Cast reads or makes it.
    """
    graph = model.graph
    readers = {name: [node for node in graph.node if name in node.input] for name in inputs}
    makers = {name: [node for node in graph.node if name in node.output] for name in outputs}
    for name, nodes in (readers | makers).items():
        if not nodes or any(node.op_type != "Cast" or node.domain not in ("", "ai.onnx") for node in nodes):
            raise ValueError(f"{name!r} gets another dtype, and something else than a Cast reads or makes it")
    declared = {value.name: value for value in graph.input if value.name in inputs}
    declared |= {value.name: value for value in graph.output if value.name in outputs}
    for name, dtype in (dict(inputs) | dict(outputs)).items():
        if name not in declared:
            raise ValueError(f"{name!r} is no input or output")
        declared[name].type.tensor_type.elem_type = dtype_code(dtype)
    for name, dtype in outputs.items():
        (to,) = (attribute for attribute in makers[name][0].attribute if attribute.name == "to")
        to.i = dtype_code(dtype)


def set_opset(model: onnx.ModelProto, version: int) -> None:
    """Declare `version` of the standard domain, for the model and its functions, as the first that they import.

    The order means nothing to ONNX, but the toolkit takes the first one for the standard domain.
    """
    for imports in (model.opset_import, *(function.opset_import for function in model.functions)):
        others = [(entry.domain, entry.version) for entry in imports if entry.domain not in ("", "ai.onnx")]
        del imports[:]
        for domain, number in (("", version), *others):
            imports.add(domain=domain, version=number)


def add_input(model: onnx.ModelProto, name: str, dtype: str, shape: Sequence[int]) -> None:
    """Add an input to `model`. Raises ValueError where the name is taken (a fault of the rule)."""
    graph = model.graph
    taken = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    if name in taken or any(name in node.output for node in graph.node):
        raise ValueError(f"an input {name!r} is to be added, and the name is taken")
    graph.input.append(helper.make_tensor_value_info(name, dtype_code(dtype), shape))


def drop_nodes(graph: onnx.GraphProto, indices: Set[int]) -> None:
    """Take nodes out of `graph`, with initializers that nothing reads then and notes about what they made.

    Raises:
        ValueError: what one of them makes is read by a node that stays, or by the outside (a fault of the rule).
    """
    kept = [node for index, node in enumerate(graph.node) if index not in indices]
    gone = {name for index in indices for name in graph.node[index].output if name}
    before = {name for node in graph.node for name in node_reads(node)}
    read = {name for node in kept for name in node_reads(node)} | {value.name for value in graph.output}
    if not gone.isdisjoint(read):
        raise ValueError(f"nodes are to be dropped, and {sorted(gone & read)} of theirs is read")
    gone |= before - read - {value.name for value in graph.input}
    set_entries(graph.node, kept)
    for field in (graph.initializer, graph.value_info):
        entries: Any = field
        set_entries(entries, [entry for entry in entries if entry.name not in gone])


def widen_scalars(graph: onnx.GraphProto, scalars: Mapping[str, str]) -> None:
    """Give scalar inputs of `graph` the shape [1], and Reshapes to scalars, of these new names, to all their readers.

    Raises:
        ValueError: no such scalar, or one that is an output, too (faults of the rule).
    """
    inputs = {value.name: value.type.tensor_type for value in graph.input}
    for name in scalars:
        if name not in inputs or not inputs[name].HasField("shape") or inputs[name].shape.dim:
            raise ValueError(f"{name!r} is no scalar input")
        if any(value.name == name for value in graph.output):
            raise ValueError(f"{name!r} is an output, too")
        inputs[name].shape.dim.add(dim_value=1)
    read_instead(graph, dict(scalars))
    nodes = [
        helper.make_node("Reshape", [name, f"{scalar}/shape"], [scalar], scalar) for name, scalar in scalars.items()
    ]
    set_entries(graph.node, [*nodes, *graph.node])
    for scalar in scalars.values():
        graph.initializer.append(helper.make_tensor(f"{scalar}/shape", onnx.TensorProto.INT64, [0], []))


def _fitted(name: str, value: npt.NDArray[Any], declared: onnx.ValueInfoProto) -> npt.NDArray[Any]:
    tensor = declared.type.tensor_type
    if not declared.type.HasField("tensor_type") or dtype_name(tensor.elem_type) is None:
        mend = f"give its tensors with --shape, or --freeze {name}=none if it holds nothing"
        raise UsageError(f"--freeze {name}: the input is no tensor", mend)
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


def rename_constants(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    """Give initializers of `graph`, and what its Constant nodes make, other names, wherever they are read.

    Raises:
        ValueError: a name that is no such constant, or an input or output, or a new one that is taken (a fault of the
            rule).
    """
    edge = {value.name for value in (*graph.input, *graph.output)}
    made = [node for node in graph.node if node.op_type == "Constant" and node.output[0] in names]
    tensors = [tensor for tensor in graph.initializer if tensor.name in names]
    found = {tensor.name for tensor in tensors} | {node.output[0] for node in made}
    taken = edge | {tensor.name for tensor in graph.initializer}
    taken |= {name for each in all_graphs(graph) for node in each.node for name in node.output}
    if found != set(names) or not edge.isdisjoint(names) or not taken.isdisjoint(names.values()):
        raise ValueError(f"{sorted(names.items())}: no constants, or names that are taken")
    for tensor in tensors:
        tensor.name = names[tensor.name]
    for node in made:
        node.output[0] = names[node.output[0]]
    read_instead(graph, names)
    for value in graph.value_info:
        value.name = names.get(value.name, value.name)
