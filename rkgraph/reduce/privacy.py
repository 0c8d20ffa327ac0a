"""What a bug report should not give away: learnt weights and the names of a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import onnx

from rkgraph.graph.tensors import element_count
from rkgraph.graph.walk import all_graphs, graph_tensors
from rkgraph.reduce.facts import copied
from rkgraph.reduce.minimise import minimise
from rkgraph.reduce.outcome import Predicate
from rkgraph.reduce.random_values import can_be_random, is_structure, randomised
from rkgraph.reduce.search import Search
from rkgraph.reduce.slicing import loaded, stored
from rkgraph.reduce.unfold import stripped

__all__ = [
    "Kept",
    "anonymised",
    "computed_values",
    "free_weights",
    "learnt_values",
    "replace_names",
    "replace_weights",
    "secret_tensors",
]

_LARGE = 1024  # numbers; beyond that a weight is better sent as an input


@dataclass(frozen=True)
class Kept:
    """What is as it was in the original, because it had to be or was to be.

    Attributes:
        weights: number of tensors with their own values (those of a few numbers aside, which are no secret).
        numbers: how many elements these have.
        names: whether names are the original's.
    """

    weights: int
    numbers: int
    names: bool


def replace_weights(search: Search, *, at_the_end: Predicate | None = None) -> frozenset[str]:
    """Put seeded random numbers in the place of weights, of as many tensors as the failure allows.

    With `at_the_end` only all of them at once are tried, by that predicate and beyond the budget.

    Returns:
        The names of tensors that have to keep their values.
    """
    search.stage = "weights"
    proto = search.best.proto
    secret = secret_tensors(search)
    fixed = frozenset(t.name for t in graph_tensors(proto.graph) if t.name in secret and not can_be_random(t))
    rest = sorted(secret - fixed)
    if not rest:
        return fixed
    if at_the_end is not None:
        return fixed if search.last_words(_randomised(search, rest, proto), at_the_end) else secret

    def holds(kept: list[str]) -> bool:
        others = [name for name in rest if name not in kept]
        return search.attempt(_randomised(search, others, proto), even_if_larger=True)

    return fixed | frozenset(minimise(rest, holds))


def learnt_values(proto: onnx.ModelProto) -> frozenset[str]:
    """The names of initializers and Constants of the original that are more than structure.

    They stay secret where a reduction cuts them to a few numbers.
    """
    literals = (
        node.output[0]
        for node in proto.graph.node
        if node.op_type == "Constant"
        for attribute in node.attribute
        if attribute.HasField("t") and not is_structure(attribute.t)
    )
    named = (tensor.name for tensor in proto.graph.initializer if not is_structure(tensor))
    return frozenset({*literals, *named} - {""})


def computed_values(proto: onnx.ModelProto) -> frozenset[str]:
    """The names of inputs of the original and of what its nodes compute: a constant of that name was drawn by us."""
    made = {name for node in proto.graph.node if node.op_type != "Constant" for name in node.output}
    inputs = {value.name for value in proto.graph.input} - {tensor.name for tensor in proto.graph.initializer}
    return frozenset((made | inputs) - {""})


def secret_tensors(search: Search) -> frozenset[str]:
    """The names of tensors of the best candidate whose values may tell what the model has learnt."""
    tensors = [t for t in graph_tensors(search.best.proto.graph) if t.name not in search.computed]
    return frozenset(t.name for t in tensors if t.name in search.learnt or not is_structure(t))


def free_weights(search: Search) -> None:
    """Make inputs of the weights that are still large: fewer bytes to send, and no values to give away."""
    search.stage = "weights as inputs"
    proto = search.best.proto
    large = [t.name for t in proto.graph.initializer if element_count(t.dims) > _LARGE]
    minimise(large, lambda kept: search.attempt(_freed(proto, {*large} - {*kept}), even_if_larger=True))


def _freed(proto: onnx.ModelProto, names: set[str]) -> onnx.ModelProto:
    part = copied(proto)
    graph = part.graph
    for tensor in [tensor for tensor in graph.initializer if tensor.name in names]:
        if all(value.name != tensor.name for value in graph.input):
            graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tuple(tensor.dims)))
        graph.initializer.remove(tensor)
    return part


def _randomised(search: Search, names: list[str], proto: onnx.ModelProto) -> onnx.ModelProto:
    part = copied(proto)
    for tensor in graph_tensors(part.graph):
        if tensor.name in names and (tensor.name in search.learnt or not is_structure(tensor)):
            tensor.CopyFrom(stored(randomised(loaded(tensor, search.weights)), search.weights))
    return part


def replace_names(search: Search, renamed: Callable[[Mapping[str, str]], Predicate]) -> Mapping[str, str] | None:
    """Give everything new names, beyond the budget; new name → old name, or None where it does not show it then."""
    search.stage = "names"
    proto, names = anonymised(search.best.proto)
    return names if search.last_words(proto, renamed(names)) else None


def anonymised(proto: onnx.ModelProto) -> tuple[onnx.ModelProto, dict[str, str]]:
    """A copy in which every name is new, and new name → old name of the values of the main graph.

    Names of operators, of attributes and of domains stay; the functions of the model itself are renamed.
    """
    part = stripped(proto)
    names = _Names()
    symbols = _Names()
    part.graph.name = "reduced"
    values = (value.name for value in part.graph.input)
    for kind, group in (("x", values), ("y", (v.name for v in part.graph.output))):
        for name in group:
            names.new(name, kind)
    for graph in all_graphs(part.graph):
        _rename_graph(graph, names, symbols)
    _rename_functions(part)
    return part, {new: old for old, new in names.of.items()}


class _Names:
    """New names by old ones, numbered by kind."""

    def __init__(self) -> None:
        self.of: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def new(self, old: str, kind: str) -> str:
        if not old:
            return old
        if old not in self.of:
            count = self._counts.get(kind, 0)
            self._counts[kind] = count + 1
            self.of[old] = f"{kind}{count}"
        return self.of[old]


def _rename_graph(graph: onnx.GraphProto, names: _Names, symbols: _Names) -> None:
    for tensor in graph.initializer:
        tensor.name = names.new(tensor.name, "w")
    for sparse in graph.sparse_initializer:
        sparse.values.name = names.new(sparse.values.name, "w")
        sparse.indices.name = ""
    for index, node in enumerate(graph.node):
        inputs = [names.new(name, "v") for name in node.input]
        outputs = [names.new(name, "v") for name in node.output]
        del node.input[:]
        del node.output[:]
        node.input.extend(inputs)
        node.output.extend(outputs)
        if node.name:
            node.name = f"{node.op_type}_{index}"
        for attribute in node.attribute:
            if attribute.HasField("t"):
                attribute.t.name = ""
    for value in (*graph.input, *graph.output, *graph.value_info):
        value.name = names.new(value.name, "v")
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param:
                dim.dim_param = symbols.new(dim.dim_param, "d")
            dim.ClearField("denotation")
        value.type.ClearField("denotation")


def _rename_functions(part: onnx.ModelProto) -> None:
    """The model's own functions lose their names; what is inside them keeps its names of values."""
    new = {(f.domain, f.name): f"Function{index}" for index, f in enumerate(part.functions)}
    inner = [node for function in part.functions for node in function.node]
    for node in (*(node for graph in all_graphs(part.graph) for node in graph.node), *inner):
        node.op_type = new.get((node.domain, node.op_type), node.op_type)
    for function in part.functions:
        function.name = new[function.domain, function.name]
        function.ClearField("doc_string")
        del function.metadata_props[:]
