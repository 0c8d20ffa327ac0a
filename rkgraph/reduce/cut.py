"""Parts of a graph as models of their own: some nodes kept, what they read from others made inputs or constants."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np
import onnx
from onnx import numpy_helper

from rkgraph.graph.shape_values import INT64, ShapeValue
from rkgraph.graph.tensors import dtype_name
from rkgraph.graph.walk import node_reads
from rkgraph.reduce.facts import Facts, copied, shape_of
from rkgraph.reduce.random_values import random_array

__all__ = ["cut", "drawn_tensor", "neighbourhood"]

_LARGEST = 4096  # elements of a constant that stands for a computed value


def cut(
    proto: onnx.ModelProto,
    facts: Facts,
    keep: Collection[int],
    *,
    expose: bool = False,
    constants: bool = False,
) -> onnx.ModelProto | None:
    """The model that consists of the nodes of `proto` at the places `keep`.

    What they read and none of them makes becomes an input, or an initializer where its value is known. What is made
    and not read becomes an output.

    Args:
        proto: the model, weightless.
        facts: of `proto`.
        keep: places of nodes.
        expose: values that the other nodes read become outputs, too, so that they keep more than one reader.
        constants: computed values become random constants instead of inputs, where they are small.

    Returns:
        None where the dtype of a new input is not known, or nothing is left.
    """
    graph = proto.graph
    nodes = [node for place, node in enumerate(graph.node) if place in keep]
    if not nodes:
        return None
    made = {name for node in nodes for name in node.output if name}
    read = {name for node in nodes for name in node_reads(node)}
    was_read = {name for node in graph.node for name in node_reads(node)}
    part = copied(proto)
    _only(part.graph.node, nodes)
    _keep_named(part.graph.input, read, was_read)
    _keep_named(part.graph.initializer, read, was_read)
    _keep_sparse(part.graph, read, was_read)
    _only(part.graph.value_info, [info for info in graph.value_info if info.name in made])
    if not _supply(part, graph, facts, sorted(read - made), constants):
        return None
    others = (node for place, node in enumerate(graph.node) if place not in keep)
    seen = {name for node in others for name in node_reads(node)} if expose else set()
    _set_outputs(part.graph, graph, facts, made, read - seen)
    return part if part.graph.output else None


def neighbourhood(proto: onnx.ModelProto, names: Iterable[str], radius: int) -> frozenset[int]:
    """Places of the nodes called `names` (or that make these values), and of all within `radius` edges of them."""
    wanted = set(names)
    readers: dict[str, list[int]] = {}
    makers: dict[str, int] = {}
    for place, node in enumerate(proto.graph.node):
        for name in node_reads(node):
            readers.setdefault(name, []).append(place)
        makers |= dict.fromkeys(filter(None, node.output), place)
    reached = {
        place
        for place, node in enumerate(proto.graph.node)
        if node.name in wanted or not wanted.isdisjoint(filter(None, node.output))
    }
    edge = reached
    for _ in range(radius):
        nodes = [proto.graph.node[place] for place in edge]
        beyond = {makers[name] for node in nodes for name in node_reads(node) if name in makers}
        beyond |= {place for node in nodes for name in node.output for place in readers.get(name, ())}
        edge = beyond - reached
        reached = reached | edge
    return frozenset(reached)


def _supply(
    part: onnx.ModelProto, graph: onnx.GraphProto, facts: Facts, missing: Sequence[str], constants: bool
) -> bool:
    """Give `part` the values that its nodes read and nothing makes; False where a dtype is not known."""
    given = {value.name for value in part.graph.input} | {tensor.name for tensor in part.graph.initializer}
    given |= {sparse.values.name for sparse in part.graph.sparse_initializer}
    literals = {node.output[0]: node for node in graph.node if node.op_type == "Constant" and not node.domain}
    for name in missing:
        if name in given:
            continue
        tensor = _known(name, literals.get(name), facts) or (drawn_tensor(name, facts, _LARGEST) if constants else None)
        if tensor is not None:
            part.graph.initializer.append(tensor)
            continue
        type_ = facts.types.get(name)
        if type_ is None or type_.WhichOneof("value") is None:
            return False
        part.graph.input.append(onnx.ValueInfoProto(name=name, type=type_))
    return True


def _known(name: str, literal: onnx.NodeProto | None, facts: Facts) -> onnx.TensorProto | None:
    """The value as a tensor, where it is one that no input has a part in."""
    for attribute in literal.attribute if literal is not None else ():
        if attribute.name == "value":
            tensor = onnx.TensorProto()
            tensor.CopyFrom(attribute.t)
            tensor.name = name
            return tensor
    value = facts.values.get(name)
    return None if value is None else _tensor_of(name, value)


def _tensor_of(name: str, value: ShapeValue) -> onnx.TensorProto:
    tensor = onnx.TensorProto(name=name, data_type=value.dtype, dims=value.shape)
    (tensor.int64_data if value.dtype == INT64 else tensor.int32_data).extend(value.items)
    return tensor


def drawn_tensor(name: str, facts: Facts, largest: int) -> onnx.TensorProto | None:
    """A random constant in the value's place, where it is a tensor of static shape and at most `largest` elements."""
    type_ = facts.types.get(name)
    shape = shape_of(type_) if type_ is not None else None
    if type_ is None or shape is None or int(np.prod(shape)) > largest:
        return None
    array = random_array(dtype_name(type_.tensor_type.elem_type) or "", shape, name)
    return None if array is None else numpy_helper.from_array(array, name)


def _set_outputs(
    part: onnx.GraphProto, graph: onnx.GraphProto, facts: Facts, made: Collection[str], read: Collection[str]
) -> None:
    """Outputs: those that there were, and values that `read` does not hold; of a node that has none, the first."""
    were = {value.name: value for value in graph.output}
    given = {value.name for value in part.input}
    del part.output[:]
    part.output.extend(value for value in graph.output if value.name in made or value.name in given)
    for node in part.node:
        names = [name for name in node.output if name]
        alive = any(name in read or name in were for name in names)
        new = [] if alive or not names else names[:1]
        part.output.extend(onnx.ValueInfoProto(name=name, type=facts.types.get(name, onnx.TypeProto())) for name in new)


def _keep_named(field: object, read: Collection[str], was_read: Collection[str]) -> None:
    """Take out of a repeated field what was read and is no more."""
    _only(field, [entry for entry in field if entry.name in read or entry.name not in was_read])  # type: ignore[attr-defined]


def _keep_sparse(graph: onnx.GraphProto, read: Collection[str], was_read: Collection[str]) -> None:
    kept = [s for s in graph.sparse_initializer if s.values.name in read or s.values.name not in was_read]
    _only(graph.sparse_initializer, kept)


def _only(field: object, entries: Sequence[object]) -> None:
    kept = list(entries)
    del field[:]  # type: ignore[attr-defined]
    field.extend(kept)  # type: ignore[attr-defined]
