"""Values that never lie in fp16, because the compiler computes them and what reads them in one layer.

Within a layer numbers are fp32, so what overflows there does no harm. All forms were seen in layer tables and to give
right numbers in the simulator where their inner values are beyond fp16 (rknn-toolkit2 2.3.2, rk3588).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.rulebook.pattern import Match, match_any, pattern, scalar
from rkgraph.rulebook.unit_vectors import is_one_layer

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

__all__ = ["values_within_layers"]

LAYERS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul", "ReduceMean", "ReduceSum"})
"""Operators that take a bias and a scale into their layer."""

ACTIVATIONS = frozenset({
    "Clip", "Elu", "HardSigmoid", "HardSwish", "LeakyRelu", "PRelu", "Relu", "Sigmoid", "Softplus", "Tanh",
})  # fmt: skip
WEIGHTED = frozenset({"Conv", "Gemm", "MatMul"})  # that take an activation into their layer, too
MOVED = frozenset({"Reshape", "Transpose"})

_CENTRED = ("Sub(x, ReduceMean(x))", "Sub(x, ReduceMean(x, _))")
_MEANS = ("ReduceMean({})", "ReduceMean({}, _)")
_LAYER_NORMS = tuple(
    pattern(f"Div({centre}, Sqrt(Add({mean.format(square.format(centre))}, #epsilon)))")
    for centre in _CENTRED
    for square in ("Pow({}, #two)", "Mul({0}, {0})")
    for mean in _MEANS
)
_RMS_NORMS = tuple(pattern(f"Mul(x, Div(#one, Sqrt(Add({mean.format('Pow(x, #two)')}, #epsilon))))") for mean in _MEANS)
_SOFTMAXES = (pattern("Div(Exp(x), ReduceSum(Exp(x)))"), pattern("Div(Exp(x), ReduceSum(Exp(x), _))"))
_SOFTPLUS = (pattern("Log(Add(Exp(x), #one))"),)
_MISH = (pattern("Mul(x, Tanh(Softplus(x)))"),)


def values_within_layers(graph: GraphView, version: str = "2.3.2") -> frozenset[str]:
    """The values of `graph` that the toolkit's `version` computes within a layer and stores nowhere."""
    found = {*_before_scales(graph), *_before_activations(graph), *_before_terms(graph)}
    for node in graph.nodes:
        found.update(_of_fused(graph, node, version))
    return frozenset(name for name in found if name not in graph.outputs and name not in graph.captured)


def _before_scales(graph: GraphView) -> Iterator[str]:
    """What a product or a sum makes before it is multiplied by a number, once."""
    for node in graph.nodes_of(*LAYERS):
        passed = [node.outputs[0]]
        reader = _only_reader(graph, node.outputs[0])
        while reader is not None and (reader.op in MOVED or (reader.op == "Add" and _has_constant(graph, reader))):
            if reader.op == "Add" and not _is_weighted(graph, node):
                break
            passed.append(reader.outputs[0])
            reader = _only_reader(graph, reader.outputs[0])
        if reader is not None and reader.op in ("Mul", "Div") and _is_scaled_by_number(graph, reader, passed[-1]):
            yield from passed


def _before_activations(graph: GraphView) -> Iterator[str]:
    """What a product with weights makes before the activation that is computed with it."""
    for node in graph.nodes_of(*WEIGHTED):
        if not _is_weighted(graph, node):
            continue
        passed = [node.outputs[0]]
        reader = _only_reader(graph, passed[-1])
        if reader is not None and reader.op == "Add" and _has_constant(graph, reader):
            passed.append(reader.outputs[0])
            reader = _only_reader(graph, passed[-1])
        if reader is not None and reader.op in ACTIVATIONS:
            yield from passed


def _before_terms(graph: GraphView) -> Iterator[str]:
    """Sums with a number to which a number is added again: the compiler makes one sum of them."""
    for node in graph.nodes_of("Add", "Sub"):
        reader = _only_reader(graph, node.outputs[0])
        if reader is not None and reader.op in ("Add", "Sub") and all(_adds_number(graph, n) for n in (node, reader)):
            yield node.outputs[0]


def _of_fused(graph: GraphView, node: Node, version: str) -> Iterator[str]:
    """The inner values of a norm, a softmax, a softplus or a mish that ends at `node`."""
    if is_one_layer(graph, node, version):
        yield from _between(graph, node, node.inputs[0])
        return
    forms = {"Div": (*_LAYER_NORMS, *_SOFTMAXES), "Mul": _MISH, "Log": _SOFTPLUS}.get(node.op, ())
    if node.op == "Mul" and _is_scaled(graph, node):  # without a scale an RMSNorm is not one layer
        forms = (*forms, *_RMS_NORMS)
    match = match_any(graph, node.outputs[0], forms)
    if not isinstance(match, Match):
        return
    if any(match.numbers.get(key, number) != number for key, number in (("one", 1.0), ("two", 2.0))):
        return
    inner = [each for each in match.nodes if each.index != node.index]
    own = {each.index for each in match.nodes}
    if all(reader.index in own for each in inner for reader in graph.consumers(each.outputs[0])):
        yield from (each.outputs[0] for each in inner)


def _between(graph: GraphView, node: Node, x: str) -> Iterator[str]:
    """The values from the divisor of `node` back to `x`, each read once."""
    name = node.inputs[1]
    while name != x and graph.consumers(name) and len(graph.consumers(name)) == 1:
        yield name
        maker = graph.producer(name)
        name = x if maker is None else maker.inputs[0]


def _only_reader(graph: GraphView, name: str) -> Node | None:
    readers = graph.consumers(name)
    return readers[0] if len(readers) == 1 and readers[0].domain in ("", "ai.onnx") else None


def _is_scaled(graph: GraphView, node: Node) -> bool:
    """Whether all that reads a quotient is one product with a constant."""
    reader = _only_reader(graph, node.outputs[0])
    return reader is not None and reader.op == "Mul" and _has_constant(graph, reader)


def _has_constant(graph: GraphView, node: Node) -> bool:
    return any(graph.is_constant(name) for name in node.inputs)


def _adds_number(graph: GraphView, node: Node) -> bool:
    last = node.inputs[-1:] if node.op == "Sub" else node.inputs
    return any(scalar(graph, name) is not None for name in last)


def _is_weighted(graph: GraphView, node: Node) -> bool:
    return node.op in WEIGHTED and len(node.inputs) > 1 and graph.is_constant(node.inputs[1])


def _is_scaled_by_number(graph: GraphView, node: Node, name: str) -> bool:
    others = [other for other in node.inputs if other != name]
    if len(others) != 1 or (node.op == "Div" and node.inputs[0] != name):
        return False
    return scalar(graph, others[0]) is not None
