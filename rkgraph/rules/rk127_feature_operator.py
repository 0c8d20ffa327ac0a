"""RK127: Binarizer and ArrayFeatureExtractor of the domain ai.onnx.ml, which no toolkit knows."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import EXACT, Edit, Refusal
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.view import Node

_INSTEAD = {"ArrayFeatureExtractor": "it is a Gather of the last axis", "Binarizer": "it is Greater as numbers"}
_STANDARD = 9  # the opset from which Greater and Cast are what they are now


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each that cannot run as it is."""
    for graph, node in needing(lint, _INSTEAD, domain="ai.onnx.ml"):
        yield not_as_it_is(lint, graph, node, _INSTEAD[node.op])


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same with operators of the standard domain."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    write = Writer(graph, f"rk127/{node.outputs[0]}")
    if write.opset < _STANDARD:
        return Refusal("the model does not import a recent opset of the standard domain (RK119 imports one)")
    new = _binarized(write, node) if node.op == "Binarizer" else _picked(write, node)
    return new if isinstance(new, Refusal) else write.rewrite({node.outputs[0]: new}, EXACT, _INSTEAD[node.op])


def _binarized(write: Writer, node: Node) -> str | Refusal:
    dtype = write.graph.value(node.inputs[0]).dtype
    if dtype is None:
        return Refusal(f"the dtype of {node.inputs[0]} is unknown")
    threshold = node.attributes.get("threshold", 0.0)
    return write.cast(write.op("Greater", node.inputs[0], write.constant(threshold, dtype)), dtype)


def _picked(write: Writer, node: Node) -> str | Refusal:
    """Elements of the last axis by their numbers, of which there may be any axes; a list comes out as one row."""
    x, numbers = node.inputs
    shape, wanted = write.graph.value(x).shape, write.graph.value(numbers).shape
    if not shape or wanted is None or not all(isinstance(size, int) for size in wanted):
        return Refusal(f"the rank of {x} or the shape of {numbers} is not known")
    count = prod(size for size in wanted if isinstance(size, int))
    flat = numbers if len(wanted) == 1 else write.reshape(numbers, [count])
    picked = write.op("Gather", x, flat, axis=len(shape) - 1)
    return write.unsqueeze(picked, [0]) if len(shape) == 1 else picked
