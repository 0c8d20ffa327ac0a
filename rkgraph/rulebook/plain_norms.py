"""Norms over the last axis of which the compiler makes one layer without a bias, which some versions cannot have.

The layer is exNorm; it comes of an RMSNorm in the form that is fused, of a LayerNormalization without B, and of a layer
normalization that is written out, with a constant scale behind it or without one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkgraph.rulebook.norms import blockers, norms
from rkgraph.rulebook.pattern import Match, match_any, scalar
from rkgraph.rulebook.rms_norms import CANONICAL, rms_norm

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

__all__ = ["PlainNorm", "plain_norms"]


@dataclass(frozen=True)
class PlainNorm:
    """A norm without a bias.

    `kind` is "rms", "layer" (one node) or "written" (out). `last` is the node that hands the result out, `x` what is
    normalised, `quotient` what `scale` is multiplied with: both "" for one node; `scale` is "" where there is none.
    """

    kind: str
    last: Node
    x: str
    quotient: str
    scale: str

    @property
    def result(self) -> str:
        """What the norm makes."""
        return self.last.outputs[0]

    def rows(self, graph: GraphView) -> int | None:
        """How many vectors are normalised; None where a dimension is not known."""
        shape = graph.value(self.x).shape
        known = [size for size in shape or () if isinstance(size, int)]
        return math.prod(known[:-1]) if shape and len(known) == len(shape) else None


def plain_norms(graph: GraphView) -> Iterator[PlainNorm]:
    """Those of a graph: RMSNorms, then single nodes, then those that are written out; each kind in file order."""
    if {"Pow", "Sqrt"} <= graph.ops:
        yield from _rms(graph)
    for node in graph.nodes_of("LayerNormalization"):
        if _is_over_last(graph, node) and not any(node.inputs[2:]) and graph.is_constant(node.inputs[1]):
            yield PlainNorm("layer", node, node.inputs[0], "", node.inputs[1])
    yield from _written(graph)


def _rms(graph: GraphView) -> Iterator[PlainNorm]:
    for node in graph.nodes_of("Mul"):
        found = rms_norm(graph, node)
        if found is None or not isinstance(match_any(graph, node.outputs[0], CANONICAL), Match):
            continue
        last, scale = _scaled(graph, node.outputs[0])
        if last is not None and not _is_biased(graph, last.outputs[0]):
            yield PlainNorm("rms", last, found.values["x"], node.outputs[0], scale)


def _written(graph: GraphView) -> Iterator[PlainNorm]:
    for norm in norms(graph):
        division = next((node for node in graph.consumers(norm.root.outputs[0]) if node.op == "Div"), None)
        if division is None or any(blockers(graph, norm)) or not norm.is_over_last(graph):
            continue
        last, scale = _scaled(graph, division.outputs[0])
        if not _is_biased(graph, (last or division).outputs[0]):
            yield PlainNorm("written", last or division, norm.centring[0].inputs[0], division.outputs[0], scale)


def _scaled(graph: GraphView, quotient: str) -> tuple[Node | None, str]:
    """The product with a constant that alone reads the quotient, and that constant."""
    readers = graph.consumers(quotient)
    if len(readers) != 1 or readers[0].op != "Mul" or quotient in graph.outputs:
        return None, ""
    other = next((name for name in readers[0].inputs if name != quotient), "")
    return (readers[0], other) if other and graph.is_constant(other) else (None, "")


def _is_biased(graph: GraphView, result: str) -> bool:
    """Whether the one reader adds a constant that is not zero."""
    readers = graph.consumers(result)
    if len(readers) != 1 or readers[0].op != "Add":
        return False
    other = next((name for name in readers[0].inputs if name != result), "")
    return bool(other) and graph.is_constant(other) and scalar(graph, other) != 0.0


def _is_over_last(graph: GraphView, node: Node) -> bool:
    shape = graph.value(node.inputs[0]).shape
    return node.attributes.get("axis", -1) in (-1, *(() if shape is None else (len(shape) - 1,)))
