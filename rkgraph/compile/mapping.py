"""The layer table mapped back to the nodes of the original model: which layer computes a node, and where.

Three steps, each weaker than the one before, and the result says which one spoke:
`named`     the layer's name leads to the node, through the optimiser's log or by the name's suffixes;
`fused`     the compiler joined the node into the layer before it, whose type says so (ConvRelu, ConvAdd);
`between`   all layers around the node run on the same device.
What is left is `unmapped`, and counted. Nodes that are gone before lowering are folded: constants (`folded`), and what
the optimiser removed without putting anything in its place (`dropped`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rkgraph.compile.provenance import Provenance, read_provenance, stands_for
from rkgraph.diagnostics import Device
from rkgraph.toolkit.layers import FULL_NAME_LENGTH

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.toolkit.logs import Layer, LogFacts

__all__ = ["Placed", "map_layers", "toolkit_name"]

How = Literal["named", "fused", "between", "folded", "dropped", "unmapped"]
_LONGEST_TYPE = len("exSDPAttention:")
"""Shorter names than what this leaves of a full name cannot have been cut."""

_DEVICES = {"NPU": Device.NPU, "CPU": Device.CPU}


@dataclass(frozen=True)
class Placed:
    """Where the compiler put a node: `layer` is the id of the layer that computes it, if one is known to."""

    index: int
    device: Device
    how: How
    layer: int | None = None


def toolkit_name(node: Node) -> str:
    """The name by which the toolkit knows a node: its own, else that of its first output (measured)."""
    return node.name or next((name for name in node.outputs if name), "")


def map_layers(graph: GraphView, facts: LogFacts, log: str, folded: Collection[int]) -> tuple[Placed, ...]:
    """Place every node of the main graph, in file order.

    Args:
        graph: the model that was compiled.
        facts: what was read from `log`.
        log: the toolkit's log as it was printed.
        folded: indices of nodes that analysis says are gone before lowering; believed where no layer says otherwise.
    """
    names = {toolkit_name(node): node.index for node in graph.nodes}
    provenance = read_provenance(log, names)
    placed = _named(facts, provenance, names)
    gone = {names[name] for name in provenance.folded if name in names} | set(folded)
    for node in graph.nodes:
        if node.index not in placed and (node.index in gone or node.op == "Constant"):
            placed[node.index] = Placed(node.index, Device.FOLDED, "folded")
        elif node.index not in placed and toolkit_name(node) in provenance.dropped:
            placed[node.index] = Placed(node.index, Device.FOLDED, "dropped")
    layers = {layer.id: layer for layer in facts.layers}
    around = _Around(graph, placed)
    for node in graph.nodes:
        if node.index not in placed and (anchor := _fused_into(node, around.before(node), layers)):
            placed[node.index] = Placed(node.index, anchor.device, "fused", anchor.layer)
    between = [_between(node, around) for node in graph.nodes if node.index not in placed]
    placed |= {each.index: each for each in between}
    return tuple(placed[node.index] for node in graph.nodes)


def _named(facts: LogFacts, provenance: Provenance, names: Mapping[str, int]) -> dict[int, Placed]:
    """The nodes to which names of layers lead; a node without a kernel is told even where no layer is."""
    placed: dict[int, Placed] = {}
    refused = {entry.name for entry in facts.no_lowering}
    for layer in facts.layers:
        if layer.is_boundary:
            continue
        for original in _originals(layer, provenance, names):
            device = Device.NO_KERNEL if layer.name in refused else _DEVICES.get(layer.target, Device.UNKNOWN)
            placed.setdefault(names[original], Placed(names[original], device, "named", layer.id))
    for name in refused:
        for original in provenance.origins.get(name, ()):
            index = names[original]
            layer_id = placed[index].layer if index in placed else None
            placed[index] = Placed(index, Device.NO_KERNEL, "named", layer_id)
    return placed


def _originals(layer: Layer, provenance: Provenance, names: Iterable[str]) -> frozenset[str]:
    """The original nodes that a layer's name leads to: as it is, without suffixes, or as the start of a cut name."""
    name = layer.name
    if name in provenance.origins:
        return provenance.origins[name]
    carriers = {known: origins for known, origins in provenance.origins.items() if origins}
    found = {origins for known, origins in carriers.items() if stands_for(name, known)}
    if not found and len(name) >= FULL_NAME_LENGTH - _LONGEST_TYPE:
        found = {origins for known, origins in carriers.items() if known.startswith(name)}
    if len(found) == 1:
        return next(iter(found))
    longest = max((known for known in names if stands_for(name, known)), key=len, default=None)
    return frozenset() if longest is None else frozenset({longest})


class _Around:
    """Finds the placed nodes next to a node, looking through those that are not placed yet, or not there any more."""

    def __init__(self, graph: GraphView, placed: Mapping[int, Placed]) -> None:
        self.graph = graph
        self.placed = placed

    def before(self, node: Node) -> list[Placed]:
        """Anchors upstream."""
        return self._search(node, self._producers)

    def after(self, node: Node) -> list[Placed]:
        """Anchors downstream."""
        return self._search(node, self._consumers)

    def _producers(self, node: Node) -> Iterable[Node]:
        return (found for name in node.inputs if name and (found := self.graph.producer(name)))

    def _consumers(self, node: Node) -> Iterable[Node]:
        return (found for name in node.outputs if name for found in self.graph.consumers(name))

    def _search(self, node: Node, step: Callable[[Node], Iterable[Node]]) -> list[Placed]:
        anchors: dict[int, Placed] = {}
        seen = {node.index}
        waiting = deque([node])
        while waiting:
            for found in step(waiting.popleft()):
                if found.index in seen:
                    continue
                seen.add(found.index)
                anchor = self.placed.get(found.index)
                if anchor is None or anchor.how == "dropped":
                    waiting.append(found)
                elif anchor.device is not Device.FOLDED:
                    anchors[found.index] = anchor
        return list(anchors.values())


def _fused_into(node: Node, before: Iterable[Placed], layers: Mapping[int, Layer]) -> Placed | None:
    """The anchor whose layer's type names the node's operator besides its own: Relu in ConvRelu."""
    for anchor in before:
        layer = layers.get(anchor.layer) if anchor.layer is not None else None
        if layer is not None and layer.op != node.op and node.op.lower() in layer.op.lower():
            return anchor
    return None


def _between(node: Node, around: _Around) -> Placed:
    before, after = around.before(node), around.after(node)
    devices = {anchor.device for anchor in (*before, *after)}
    if len(devices) != 1:
        return Placed(node.index, Device.UNKNOWN, "unmapped")
    layer = (before or after)[0].layer
    return Placed(node.index, devices.pop(), "between", layer)
