"""What each value depends on: nothing but constants and static shapes, shapes that are still dynamic, or data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from rkgraph.graph.view import AttributeReference, GraphView, ModelView, Node

__all__ = [
    "CONTROL_INPUTS",
    "DATA_SHAPED",
    "RANDOM",
    "SHAPE_INPUTS",
    "Origin",
    "captured",
    "subgraphs",
    "value_origins",
]

# Operators whose output shape depends on what is in these inputs, by the ONNX specification.
DATA_SHAPED: Mapping[str, tuple[int, ...]] = {
    "Compress": (1,),
    "NonMaxSuppression": (0, 1, 2, 3, 4),
    "NonZero": (0,),
    "Unique": (0,),
}

# Inputs, by position, that give a shape, sizes or bounds: ONNX operator specifications up to opset 19.
SHAPE_INPUTS: Mapping[str, tuple[int, ...]] = {
    "CenterCropPad": (1,),
    "ConstantOfShape": (0,),
    "Expand": (1,),
    "OneHot": (1,),
    "Pad": (1, 3),
    "Range": (0, 1, 2),
    "Reshape": (1,),
    "Resize": (2, 3),
    "Slice": (1, 2, 3, 4),
    "Split": (1,),
    "Squeeze": (1,),
    "Tile": (1,),
    "TopK": (1,),
    "Unsqueeze": (1,),
    "Upsample": (1,),
}

# Inputs that decide whether, or how often, a subgraph runs.
CONTROL_INPUTS: Mapping[str, tuple[int, ...]] = {"If": (0,), "Loop": (0, 1)}

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
        _Tracer(origins).trace(graph, {}, Origin.DATA)
    return origins


def subgraphs(node: Node) -> Iterator[GraphView]:
    """The graphs that are attributes of `node` (the branches of an If, the body of a Loop or Scan)."""
    for attribute in node.attributes.values():
        for inner in attribute if isinstance(attribute, tuple) else (attribute,):
            if isinstance(inner, GraphView):
                yield inner


def captured(graph: GraphView) -> frozenset[str]:
    """The values of enclosing graphs that `graph` and the graphs within read."""
    names = {name for node in graph.nodes for name in node.inputs} | set(graph.outputs)
    for node in graph.nodes:
        for inner in subgraphs(node):
            names |= captured(inner)
    return frozenset(name for name in names if name and graph.value(name).kind == "outer")


@dataclass
class _Tracer:
    """Walks a graph in order. `ragged` are the values whose *shapes* depend on data."""

    origins: dict[str, dict[str, Origin]]
    ragged: set[str] = field(default_factory=set)

    def trace(self, graph: GraphView, outer: Mapping[str, Origin], of_inputs: Origin) -> Origin:
        """Fill in `origins` for `graph` and the graphs within; the largest origin of its nodes is returned."""
        known = dict(outer)
        own = dict.fromkeys(graph.inputs, of_inputs)
        known.update(own)
        largest = Origin.FIXED
        for node in graph.nodes:
            origin = self._of_node(node, graph, known)
            largest = max(largest, origin)
            for name in filter(None, node.outputs):
                known[name] = own[name] = origin
            self._spread(node, graph, known)
        for name in (*(name for node in graph.nodes for name in node.inputs if name), *graph.outputs):
            own.setdefault(name, known.get(name, Origin.FIXED))
        self.origins[graph.path] = own
        return largest

    def _of_node(self, node: Node, graph: GraphView, known: Mapping[str, Origin]) -> Origin:
        sources = [known.get(name, Origin.FIXED) for name in node.inputs if name]
        origin = max(sources, default=Origin.FIXED)
        standard = node.domain in ("", "ai.onnx")
        if (not standard and not sources) or (standard and (node.op in RANDOM or _drops_out(node, graph))):
            origin = Origin.DATA  # chance, or an unknown operator, which may make anything of nothing
        if standard and node.op in ("Shape", "Size"):
            return min(self._of_shape(node, graph), origin)
        bodies = tuple(subgraphs(node))
        within = max((self.trace(body, known, origin) for body in bodies), default=origin)
        if within is not Origin.FIXED:
            for body in bodies:  # the loop stays: its counter and what it carries are not known before it runs
                self.trace(body, known, Origin.DATA)
        return max(origin, within)

    def _of_shape(self, node: Node, graph: GraphView) -> Origin:
        """FIXED where the dimensions that are asked for (`start` and `end` since opset 15) are known."""
        shape = graph.value(node.inputs[0]).shape
        bounds = (node.attributes.get("start"), node.attributes.get("end"))
        if shape is not None and not any(isinstance(bound, AttributeReference) for bound in bounds):
            wanted = shape[slice(*bounds)]
            if all(isinstance(size, int) for size in wanted):
                return Origin.FIXED
        return Origin.DATA if node.inputs[0] in self.ragged else Origin.SHAPE

    def _spread(self, node: Node, graph: GraphView, known: Mapping[str, Origin]) -> None:
        """Outputs without a static shape are ragged where an input is, or where the node makes them so."""
        deciding = [node.inputs[p] for p in SHAPE_INPUTS.get(node.op, ()) if p < len(node.inputs) and node.inputs[p]]
        if (
            node.op in DATA_SHAPED
            or any(known.get(name) is Origin.DATA for name in deciding)
            or not self.ragged.isdisjoint(node.inputs)
        ):
            self.ragged.update(name for name in node.outputs if name and not graph.value(name).is_static)


def _drops_out(node: Node, graph: GraphView) -> bool:
    """True for a Dropout that is not known to be switched off (input `training_mode` since opset 12)."""
    if node.op != "Dropout" or len(node.inputs) < 3 or not node.inputs[2]:
        return False
    training = graph.constant(node.inputs[2])
    return training is None or any(training.values)
