"""Going through a model's protobuf: all graphs and all tensors, subgraphs and functions included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto

__all__ = ["all_graphs", "graph_tensors", "label", "model_tensors", "node_reads", "node_tensors", "subgraphs"]


def subgraphs(node: NodeProto) -> Iterator[GraphProto]:
    """The graphs among the attributes of `node`, not those nested in them."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def all_graphs(graph: GraphProto) -> Iterator[GraphProto]:
    """`graph`, then every graph nested in it, depth first."""
    yield graph
    for node in graph.node:
        for inner in subgraphs(node):
            yield from all_graphs(inner)


def node_tensors(nodes: Iterable[NodeProto]) -> Iterator[TensorProto]:
    """Every tensor in the attributes of `nodes`, subgraphs included."""
    for node in nodes:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            if attribute.HasField("sparse_tensor"):
                yield from _parts(attribute.sparse_tensor)
            for sparse in attribute.sparse_tensors:
                yield from _parts(sparse)
        for inner in subgraphs(node):
            yield from graph_tensors(inner)


def graph_tensors(graph: GraphProto) -> Iterator[TensorProto]:
    """Every tensor of `graph`: initializers, then attributes, subgraphs included."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from _parts(sparse)
    yield from node_tensors(graph.node)


def model_tensors(model: ModelProto) -> Iterator[TensorProto]:
    """Every tensor of the model: main graph, training graphs and functions."""
    yield from graph_tensors(model.graph)
    for training in model.training_info:
        yield from graph_tensors(training.initialization)
        yield from graph_tensors(training.algorithm)
    for function in model.functions:
        yield from node_tensors(function.node)
        for attribute in function.attribute_proto:
            if attribute.HasField("t"):
                yield attribute.t


def _parts(sparse: SparseTensorProto) -> tuple[TensorProto, TensorProto]:
    return sparse.values, sparse.indices


def node_reads(node: NodeProto) -> list[str]:
    """The values that `node` reads: its inputs, then what its subgraphs take from outside; each once."""
    names = dict.fromkeys(name for name in node.input if name)
    for inner in subgraphs(node):
        names |= dict.fromkeys(_free(inner))
    return list(names)


def _free(graph: GraphProto) -> Iterator[str]:
    """The values that a subgraph reads and does not make."""
    made = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    made |= {sparse.values.name for sparse in graph.sparse_initializer}
    made |= {name for node in graph.node for name in node.output}
    for node in graph.node:
        yield from (name for name in node_reads(node) if name not in made)
    yield from (value.name for value in graph.output if value.name not in made)


def label(node: NodeProto) -> str:
    """The label of a node, as `view.Node.label`."""
    return node.name or f"{node.op_type}→{next((o for o in node.output if o), '?')}"
