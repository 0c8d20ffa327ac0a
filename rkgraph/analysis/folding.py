"""Which nodes are gone before the compiler lowers anything.

The toolkit folds what depends on constants only, takes shapes that are known for constants, and drops what feeds no
output (its `fold_constant` passes run in ONNX Runtime; seen with 2.2.0 to 2.5.0). Nodes with randomness never fold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum

from rkgraph.graph.view import GraphView, ModelView, Node

__all__ = ["Origin", "folded_nodes", "subgraphs", "value_origins"]

RANDOM = frozenset(
    {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"}
)


class Origin(IntEnum):
    """What a value depends on; the largest of several decides."""

    FIXED = 0
    """Constants and static shapes: known before lowering."""
    SHAPE = 1
    """Also shapes that are still dynamic: known as soon as the inputs are pinned."""
    DATA = 2
    """The elements of an input, or chance."""


def value_origins(model: ModelView) -> dict[str, dict[str, Origin]]:
    """Graph path → value name → what the value depends on, for every named value of every graph."""
    origins: dict[str, dict[str, Origin]] = {}
    for graph in (model.main, *model.functions):
        _trace(graph, {}, Origin.FIXED, origins)
    return origins


def folded_nodes(
    model: ModelView, origins: Mapping[str, Mapping[str, Origin]] | None = None
) -> frozenset[tuple[str, int]]:
    """(graph path, node index) of the nodes that disappear: fixed ones, dead ones, and all inside them.

    A function that no live node calls is dead as a whole.
    """
    origins = value_origins(model) if origins is None else origins
    folded: set[tuple[str, int]] = set()
    called: set[str] = set()
    _fold(model.main, origins, folded, called)
    waiting = {function.path: function for function in model.functions}
    while ready := sorted(called & waiting.keys()):
        for path in ready:
            _fold(waiting.pop(path), origins, folded, called)
    for function in waiting.values():
        _fold_whole(function, folded)
    return frozenset(folded)


def subgraphs(node: Node) -> Iterator[GraphView]:
    """The graphs that are attributes of `node` (the branches of an If, the body of a Loop or Scan)."""
    for attribute in node.attributes.values():
        for inner in attribute if isinstance(attribute, tuple) else (attribute,):
            if isinstance(inner, GraphView):
                yield inner


def _trace(
    graph: GraphView, outer: Mapping[str, Origin], of_inputs: Origin, origins: dict[str, dict[str, Origin]]
) -> Origin:
    """Fill in the origins of `graph` and of all graphs within; the largest origin of its nodes is returned.

    `of_inputs`: what the inputs of a subgraph depend on. Inputs of a model or function are data.
    """
    known: dict[str, Origin] = dict(outer)
    own: dict[str, Origin] = {}
    start = Origin.DATA if graph.parent is None else of_inputs
    largest = Origin.FIXED
    for name in graph.inputs:
        known[name] = own[name] = start
    for node in graph.nodes:
        origin = _origin_of(node, graph, known, origins)
        largest = max(largest, origin)
        for name in filter(None, node.outputs):
            known[name] = own[name] = origin
    for name in {name for node in graph.nodes for name in node.inputs if name} | set(graph.outputs):
        own.setdefault(name, known.get(name, Origin.FIXED))
    origins[graph.path] = own
    return largest


def _origin_of(
    node: Node, graph: GraphView, known: Mapping[str, Origin], origins: dict[str, dict[str, Origin]]
) -> Origin:
    sources = [known.get(name, Origin.FIXED) for name in node.inputs if name]
    if node.domain in ("", "ai.onnx"):
        if node.op in RANDOM or _drops_out(node, graph):
            return Origin.DATA
        if node.op in ("Shape", "Size"):
            return min(_origin_of_shape(node, graph), max(sources))
    elif not sources:
        return Origin.DATA  # an operator of our own knowledge has none of its own: assume that it is a source
    origin = max(sources, default=Origin.FIXED)
    bodies = tuple(subgraphs(node))
    result = max((_trace(body, known, origin, origins) for body in bodies), default=origin)
    if bodies and result is not Origin.FIXED:
        for body in bodies:  # the loop stays: its counter and what it carries are not known before it runs
            _trace(body, known, Origin.DATA, origins)
    return max(origin, result)


def _origin_of_shape(node: Node, graph: GraphView) -> Origin:
    """FIXED where the dimensions that are asked for (`start` and `end` of opset 15) are known."""
    shape = graph.value(node.inputs[0]).shape
    if shape is None:
        return Origin.SHAPE
    wanted = shape[slice(node.attributes.get("start"), node.attributes.get("end"))]
    return Origin.FIXED if all(isinstance(size, int) for size in wanted) else Origin.SHAPE


def _drops_out(node: Node, graph: GraphView) -> bool:
    """True for a Dropout that is not known to be switched off (input `training_mode` since opset 12)."""
    if node.op != "Dropout" or len(node.inputs) < 3 or not node.inputs[2]:
        return False
    training = graph.constant(node.inputs[2])
    return training is None or any(training.values)


def _fold(
    graph: GraphView,
    origins: Mapping[str, Mapping[str, Origin]],
    folded: set[tuple[str, int]],
    called: set[str],
) -> None:
    of_values = origins[graph.path]
    needed = set(graph.outputs)
    for node in reversed(graph.nodes):
        outputs = [name for name in node.outputs if name]
        is_fixed = all(of_values[name] is Origin.FIXED for name in outputs)
        if is_fixed or needed.isdisjoint(outputs):
            folded.add((node.path, node.index))
            for inner in subgraphs(node):
                _fold_whole(inner, folded)
            continue
        needed.update(node.inputs)
        called.add(f"function:{node.domain}.{node.op}")
        for inner in subgraphs(node):
            _fold(inner, origins, folded, called)
            needed.update(_captured(inner))


def _fold_whole(graph: GraphView, folded: set[tuple[str, int]]) -> None:
    for node in graph.nodes:
        folded.add((node.path, node.index))
        for inner in subgraphs(node):
            _fold_whole(inner, folded)


def _captured(graph: GraphView) -> Iterable[str]:
    """Names that `graph` and the graphs within read from around it (and harmlessly, some of its own)."""
    names = {name for node in graph.nodes for name in node.inputs} | set(graph.outputs)
    for node in graph.nodes:
        for inner in subgraphs(node):
            names.update(_captured(inner))
    return names
