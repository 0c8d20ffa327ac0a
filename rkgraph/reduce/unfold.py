"""What hides nodes or says nothing of them: functions and branches unfolded, comments and records left out."""

from __future__ import annotations

import onnx
import onnx.inliner

from rkgraph.graph.walk import all_graphs, node_reads
from rkgraph.reduce.facts import copied
from rkgraph.reduce.search import Search

__all__ = ["stripped", "unfold"]


def unfold(search: Search) -> None:
    """Leave out what is said about the graph, inline functions, and put one branch in the place of each If."""
    search.stage = "plain form"
    search.attempt(stripped(search.best.proto), even_if_larger=True)
    if search.best.proto.functions:
        search.attempt(_inlined(search.best.proto), even_if_larger=True)
    while any(search.attempt(branch) for branch in _branches(search.best.proto)):
        continue


def stripped(proto: onnx.ModelProto) -> onnx.ModelProto:
    """A copy without comments, metadata, records of inner shapes, and constants and functions that nothing uses."""
    part = copied(proto)
    for field in ("producer_name", "producer_version", "domain", "model_version", "doc_string"):
        part.ClearField(field)
    del part.metadata_props[:]
    del part.training_info[:]
    used = {(node.domain, node.op_type) for graph in all_graphs(part.graph) for node in graph.node}
    used |= {(node.domain, node.op_type) for function in part.functions for node in function.node}
    functions = [function for function in part.functions if (function.domain, function.name) in used]
    del part.functions[:]
    part.functions.extend(functions)
    for graph in all_graphs(part.graph):
        _strip_graph(graph)
    read = {name for node in part.graph.node for name in node_reads(node)}
    read |= {value.name for value in part.graph.output}
    kept = [tensor for tensor in part.graph.initializer if tensor.name in read]
    del part.graph.initializer[:]
    part.graph.initializer.extend(kept)
    return part


def _strip_graph(graph: onnx.GraphProto) -> None:
    graph.ClearField("doc_string")
    del graph.metadata_props[:]
    del graph.quantization_annotation[:]
    foreign = {name for node in graph.node if node.domain not in ("", "ai.onnx") for name in node.output}
    kept = [info for info in graph.value_info if info.name in foreign]
    del graph.value_info[:]
    graph.value_info.extend(kept)
    for node in graph.node:
        node.ClearField("doc_string")
        del node.metadata_props[:]
    for value in (*graph.input, *graph.output):
        value.ClearField("doc_string")
        del value.metadata_props[:]
    for tensor in graph.initializer:
        tensor.ClearField("doc_string")
        del tensor.metadata_props[:]


def _inlined(proto: onnx.ModelProto) -> onnx.ModelProto | None:
    try:
        return onnx.inliner.inline_local_functions(proto)
    except (RuntimeError, ValueError):
        return None


def _branches(proto: onnx.ModelProto) -> list[onnx.ModelProto]:
    """For each If, the model with either branch in its place."""
    found = []
    for place, node in enumerate(proto.graph.node):
        if node.op_type == "If" and node.domain in ("", "ai.onnx"):
            branches = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
            found += [_with_branch(proto, place, branch) for branch in branches]
    return found


def _with_branch(proto: onnx.ModelProto, place: int, branch: onnx.GraphProto) -> onnx.ModelProto:
    """The branch's nodes instead of the If; what read the results of the If reads those of the branch."""
    part = copied(proto)
    graph = part.graph
    chosen = zip(graph.node[place].output, (value.name for value in branch.output), strict=False)
    instead = {outer: inner for outer, inner in chosen if outer}
    nodes = [*graph.node[:place], *branch.node, *graph.node[place + 1 :]]
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend(branch.initializer)
    graph.value_info.extend(branch.value_info)
    for inner in all_graphs(graph):
        for node in inner.node:
            for position, name in enumerate(node.input):
                node.input[position] = instead.get(name, name)
        for value in inner.output:
            value.name = instead.get(value.name, value.name)
    return part
