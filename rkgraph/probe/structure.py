"""The structure of a model: what is wired to what, whatever things are called and however large they are.

Two models are equal in structure when their nodes can be paired so that operators, attributes, subgraphs, wiring,
and the dtypes, ranks and constness of inputs and constants agree (those of other values follow). Names, sizes, weights,
the version of the standard opset and the order of the file do not count.

The models of evidence are compared whole, as the compiler gets them, with the independent branch that each of them
has (`rkgraph.probe.case.COMPANION`): no published suite of single operators holds such a model.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import onnx
import onnx.parser

__all__ = ["equal_structures", "outline", "structure"]

_STANDARD = ("", "ai.onnx")


def structure(model: onnx.ModelProto) -> str:
    """The digest of a model's structure (SHA-256, hex): equal for models of equal structure.

    Found by colour refinement (Weisfeiler and Lehman, 1968) over nodes and values, along the wiring in both directions
    until no more of them are told apart. Highly symmetric graphs may share a digest without being equal; no two
    models that are equal have different ones.
    """
    functions = sorted(_digest(f.domain, f.name, _refined(_function_wiring(f))) for f in model.functions)
    return _digest(functions, _refined(_wiring(model.graph)))


def outline(text: str) -> onnx.ModelProto:
    """The model of a case (ONNX text) with weights that have dtype and shape but no numbers: enough for `structure`."""
    model = onnx.parser.parse_model(text)
    inputs = list(model.graph.input)
    del model.graph.input[:]
    for value in inputs:
        if value.name.startswith("w"):
            tensor = value.type.tensor_type
            dims = [each.dim_value for each in tensor.shape.dim]
            model.graph.initializer.add(name=value.name, data_type=tensor.elem_type, dims=dims)
        else:
            model.graph.input.append(value)
    return model


def equal_structures(
    first: Mapping[str, onnx.ModelProto], second: Iterable[tuple[str, onnx.ModelProto]]
) -> Iterator[tuple[str, str]]:
    """Pairs of names of models of `first` and `second` that are equal in structure."""
    known: dict[str, list[str]] = {}
    for name, model in first.items():
        known.setdefault(structure(model), []).append(name)
    for other, model in second:
        for name in known.get(structure(model), ()):
            yield name, other


@dataclass
class _Wiring:
    """A graph as coloured vertices and labelled edges.

    `colours` are of vertices: values by name, nodes by number. `edges` lead from a vertex to (label, vertex).
    """

    colours: dict[str | int, str] = field(default_factory=dict)
    edges: dict[str | int, list[tuple[str, str | int]]] = field(default_factory=dict)

    def connect(self, source: str | int, label: str, target: str | int) -> None:
        self.edges.setdefault(source, []).append((f"> {label}", target))
        self.edges.setdefault(target, []).append((f"< {label}", source))


def _refined(wiring: _Wiring) -> str:
    """The colours of all vertices once refinement tells no more of them apart."""
    colours = wiring.colours
    while True:
        finer = {
            vertex: _digest(colour, sorted((label, colours[other]) for label, other in wiring.edges.get(vertex, ())))
            for vertex, colour in colours.items()
        }
        if len(set(finer.values())) == len(set(colours.values())):
            return _digest(sorted(Counter(finer.values()).items()))
        colours = finer


def _wiring(graph: onnx.GraphProto) -> _Wiring:
    constants = {each.name: f"{each.data_type} {len(each.dims)}" for each in graph.initializer}
    constants |= {each.values.name: f"{each.values.data_type} sparse" for each in graph.sparse_initializer}
    kinds = {each.name: f"input {_type(each.type)}" for each in graph.input}
    kinds |= {name: f"constant {type_}" for name, type_ in constants.items()}
    made = {name for node in graph.node for name in node.output}
    read = {name for node in graph.node for name in node.input} | {each.name for each in graph.output}
    wiring = _Wiring()
    for name in sorted((made | read | kinds.keys()) - {""}):
        wiring.colours[name] = kinds.get(name, "made" if name in made else "outer")
    for each in graph.output:
        wiring.colours[each.name] += " output"
    for number, node in enumerate(graph.node):
        _add_node(wiring, number, node)
    return wiring


def _function_wiring(function: onnx.FunctionProto) -> _Wiring:
    wiring = _Wiring()
    names = {name for node in function.node for name in (*node.input, *node.output) if name}
    for name in sorted(names | set(function.input) | set(function.output)):
        place = [*(f"input {i}" for i, n in enumerate(function.input) if n == name)]
        place += [f"output {i}" for i, n in enumerate(function.output) if n == name]
        wiring.colours[name] = _digest("function value", place)
    for number, node in enumerate(function.node):
        _add_node(wiring, number, node)
    return wiring


def _add_node(wiring: _Wiring, number: int, node: onnx.NodeProto) -> None:
    domain = "" if node.domain in _STANDARD else node.domain
    attributes = sorted(_attribute(each) for each in node.attribute)
    wiring.colours[number] = _digest("node", domain, node.op_type, attributes)
    for place, name in enumerate(node.input):
        if name:
            wiring.connect(name, f"input {place}", number)
    for place, name in enumerate(node.output):
        if name:
            wiring.connect(number, f"output {place}", name)


def _attribute(attribute: onnx.AttributeProto) -> str:
    """An attribute by name and value; of tensors dtype and rank, of graphs their structure."""
    if attribute.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS):
        graphs = [attribute.g] if attribute.type == onnx.AttributeProto.GRAPH else list(attribute.graphs)
        return _digest(attribute.name, [_refined(_wiring(graph)) for graph in graphs])
    if attribute.type == onnx.AttributeProto.TENSOR:
        return _digest(attribute.name, attribute.t.data_type, len(attribute.t.dims))
    plain = onnx.AttributeProto()
    plain.CopyFrom(attribute)
    plain.doc_string = ""
    return plain.SerializeToString(deterministic=True).hex()


def _type(proto: onnx.TypeProto) -> str:
    """Dtype and rank of a tensor, "" where they are not known; of other types their kind and element."""
    kind = proto.WhichOneof("value")
    if kind in ("tensor_type", "sparse_tensor_type"):
        tensor = getattr(proto, kind)
        rank = len(tensor.shape.dim) if tensor.HasField("shape") else "?"
        return f"{tensor.elem_type} {rank}" if kind == "tensor_type" else f"{tensor.elem_type} {rank} sparse"
    if kind in ("sequence_type", "optional_type"):
        return f"{kind} {_type(getattr(proto, kind).elem_type)}"
    return kind or ""


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
