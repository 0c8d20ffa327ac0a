"""Less detail at what is left: outputs, optional inputs, attributes, and inputs that one input can stand for.

Each edit changes a model in place and is independent of the others, so that ddmin can look for all that can be applied
at once: its items are the edits that are *not*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import onnx

from rkgraph.graph.walk import all_graphs, node_reads
from rkgraph.reduce.cut import drawn_tensor
from rkgraph.reduce.facts import Facts, copied
from rkgraph.reduce.minimise import minimise
from rkgraph.reduce.search import Search

__all__ = ["simplify"]

Edit = Callable[[onnx.ModelProto], None]

_DROPPED = "\0dropped"  # no name in a model that was read has a zero byte
_FROZEN = 64  # elements of a constant that takes the place of an input
_OPTIONAL = onnx.defs.OpSchema.FormalParameterOption.Optional
_VARIADIC = onnx.defs.OpSchema.FormalParameterOption.Variadic


def simplify(search: Search) -> None:
    """Apply as many edits of each kind as keep what is shown."""
    for stage, edits_of in _KINDS.items():
        search.stage = stage
        proto = search.best.proto
        edits = list(edits_of(proto, search.facts))
        minimise(edits, lambda left: search.attempt(_edited(proto, [e for e in edits if e not in left])))  # noqa: B023


def _edited(proto: onnx.ModelProto, edits: list[Edit]) -> onnx.ModelProto | None:
    part = copied(proto)
    for edit in edits:
        edit(part)
    _tidy(part.graph, proto.graph)
    return part if part.graph.output and all(_whole(node) for node in part.graph.node) else None


def _whole(node: onnx.NodeProto) -> bool:
    return not node.output or any(node.output)


def _tidy(graph: onnx.GraphProto, before: onnx.GraphProto) -> None:
    """Take out dropped inputs, empty ends of lists, and what nothing reads any more."""
    for node in graph.node:
        names = [name for name in node.input if name != _DROPPED]
        while names and not names[-1]:
            names.pop()
        outputs = list(node.output)
        while len(outputs) > 1 and not outputs[-1]:
            outputs.pop()
        del node.input[:]
        del node.output[:]
        node.input.extend(names)
        node.output.extend(outputs)
    was_read = {name for node in before.node for name in node_reads(node)}
    read = {name for node in graph.node for name in node_reads(node)} | {value.name for value in graph.output}
    for field in (graph.input, graph.initializer):
        kept = [entry for entry in field if entry.name in read or entry.name not in was_read]
        del field[:]
        field.extend(kept)  # type: ignore[arg-type]


def _outputs(proto: onnx.ModelProto, _facts: Facts) -> Iterator[Edit]:
    """Outputs of the model that some node reads, too, or that no node makes."""
    read = {name for node in proto.graph.node for name in node_reads(node)}
    made = {name for node in proto.graph.node for name in node.output}
    for value in proto.graph.output:
        if value.name in read or value.name not in made:
            yield _without_output(value.name)


def _without_output(name: str) -> Edit:
    def edit(proto: onnx.ModelProto) -> None:
        kept = [value for value in proto.graph.output if value.name != name]
        del proto.graph.output[:]
        proto.graph.output.extend(kept)

    return edit


def _unread_results(proto: onnx.ModelProto, _facts: Facts) -> Iterator[Edit]:
    """Further results of nodes that nothing reads."""
    read = {name for node in proto.graph.node for name in node_reads(node)}
    read |= {value.name for value in proto.graph.output}
    for place, node in enumerate(proto.graph.node):
        for position, name in enumerate(node.output):
            if name and name not in read and len(node.output) > 1:
                yield _without_result(place, position)


def _without_result(place: int, position: int) -> Edit:
    def edit(proto: onnx.ModelProto) -> None:
        proto.graph.node[place].output[position] = ""

    return edit


def _inputs(proto: onnx.ModelProto, _facts: Facts) -> Iterator[Edit]:
    """Optional inputs, and those beyond the first of operators that take any number."""
    for place, node in enumerate(proto.graph.node):
        schema = _schema(proto, node)
        for position, name in enumerate(node.input):
            option = None if schema is None else _option(schema, position)
            if name and option == _OPTIONAL:
                yield _without_input(place, position, "")
            elif name and option == _VARIADIC and len(node.input) > 1:
                yield _without_input(place, position, _DROPPED)


def _without_input(place: int, position: int, instead: str) -> Edit:
    def edit(proto: onnx.ModelProto) -> None:
        proto.graph.node[place].input[position] = instead

    return edit


def _option(schema: onnx.defs.OpSchema, position: int) -> object:
    formal = schema.inputs
    if position < len(formal):
        return formal[position].option
    return _VARIADIC if formal and formal[-1].option == _VARIADIC else None


def _attributes(proto: onnx.ModelProto, _facts: Facts) -> Iterator[Edit]:
    """Attributes that the operator can do without: it takes their defaults then."""
    for place, node in enumerate(proto.graph.node):
        schema = _schema(proto, node)
        for attribute in node.attribute:
            known = None if schema is None else schema.attributes.get(attribute.name)
            if known is None or not known.required:
                yield _without_attribute(place, attribute.name)


def _without_attribute(place: int, name: str) -> Edit:
    def edit(proto: onnx.ModelProto) -> None:
        node = proto.graph.node[place]
        kept = [attribute for attribute in node.attribute if attribute.name != name]
        del node.attribute[:]
        node.attribute.extend(kept)

    return edit


def _merged(proto: onnx.ModelProto, facts: Facts) -> Iterator[Edit]:
    """Inputs of the model that the first one of their type can stand for."""
    first: dict[bytes, str] = {}
    for value in proto.graph.input:
        key = value.type.SerializeToString(deterministic=True)
        if first.setdefault(key, value.name) != value.name and facts.same_type(value.name, first[key]):
            yield _reading(value.name, first[key])


def _reading(old: str, new: str) -> Edit:
    def edit(proto: onnx.ModelProto) -> None:
        for graph in all_graphs(proto.graph):
            for node in graph.node:
                for position, name in enumerate(node.input):
                    if name == old:
                        node.input[position] = new

    return edit


def _frozen(proto: onnx.ModelProto, facts: Facts) -> Iterator[Edit]:
    """Inputs, but the first, that a small constant can stand for."""
    for value in proto.graph.input[1:]:
        tensor = drawn_tensor(value.name, facts, _FROZEN)
        if tensor is not None:
            yield _given(value.name, tensor)


def _given(name: str, tensor: onnx.TensorProto) -> Edit:
    def edit(proto: onnx.ModelProto) -> None:
        kept = [value for value in proto.graph.input if value.name != name]
        del proto.graph.input[:]
        proto.graph.input.extend(kept)
        proto.graph.initializer.append(tensor)

    return edit


def _schema(proto: onnx.ModelProto, node: onnx.NodeProto) -> onnx.defs.OpSchema | None:
    """The operator's schema; None for other domains and operators that onnx does not know."""
    if node.domain not in ("", "ai.onnx"):
        return None
    version = next((entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")), 1)
    try:
        return onnx.defs.get_schema(node.op_type, version, "")
    except onnx.defs.SchemaError:
        return None


_KINDS: dict[str, Callable[[onnx.ModelProto, Facts], Iterator[Edit]]] = {
    "outputs": _outputs,
    "unread results": _unread_results,
    "inputs of nodes": _inputs,
    "attributes": _attributes,
    "inputs alike": _merged,
    "inputs as constants": _frozen,
}
