"""RK530: attention that the compiler would make one layer of, but for something that stands in the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.rulebook.pattern import scalar
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext

STEPS = 8
"""Nodes between product and softmax, or softmax and product, that are looked through."""

_PASSES = frozenset({"Add", "Cast", "Clip", "Div", "Dropout", "Identity", "Max", "Min", "Mul", "Sub", "Tanh", "Where"})
_PASSES_SCORES = _PASSES | {"Reshape"}


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each softmax between two products of computed matrices that is not in the form that is fused."""
    for graph in lint.model.graphs():
        for node in graph.nodes_of("Softmax"):
            if (graph.path, node.index) in lint.folded:
                continue
            before, after = _up(graph, node), _down(graph, node)
            if before is None or after is None:
                continue
            reasons = [*_between(graph, before), *_around(graph, node, after)]
            if reasons:
                yield Finding(
                    f"attention at {node.label} is not fused to one layer (exSDPAttention): {'; '.join(reasons)}",
                    graph=graph.path,
                    node=node,
                    observed={"reasons": reasons},
                    limit={"form": "Softmax(MatMul(q, k) [· or / a number] [+ one mask]) · v, over the last axis"},
                    evidence=("rewrites:mask-forms", "rewrites:attention-forms"),
                )


def _up(graph: GraphView, softmax: Node) -> list[Node] | None:
    """The nodes from the softmax back to the product of scores, that last; None where there is no such product."""
    found: list[Node] = []
    name = softmax.inputs[0]
    for _ in range(STEPS):
        node = graph.producer(name)
        if node is None:
            return None
        found.append(node)
        if node.op == "MatMul":
            return found if not any(map(graph.is_constant, node.inputs)) else None
        if node.op not in _PASSES_SCORES:
            return None
        name = _scores(graph, node)
        if not name:
            return None
    return None


def _scores(graph: GraphView, node: Node) -> str:
    """The input that leads to a product; "" where none does within reach."""
    places = node.inputs[1:] if node.op == "Where" else node.inputs
    return next((name for name in places if name and _leads_to_product(graph, name)), "")


def _leads_to_product(graph: GraphView, name: str) -> bool:
    waiting, seen = [(name, 0)], {name}
    while waiting:
        value, depth = waiting.pop()
        node = graph.producer(value)
        if node is None or depth > STEPS:
            continue
        if node.op == "MatMul" and not any(map(graph.is_constant, node.inputs)):
            return True
        if node.op in _PASSES_SCORES:
            fresh = [given for given in node.inputs[node.op == "Where" :] if given and given not in seen]
            seen.update(fresh)
            waiting += [(given, depth + 1) for given in fresh]
    return False


def _down(graph: GraphView, softmax: Node) -> list[Node] | None:
    """The nodes from the softmax on to the product with the values, that last; None where there is none."""
    found: list[Node] = []
    name = softmax.outputs[0]
    for _ in range(STEPS):
        readers = [node for node in graph.consumers(name) if node.op == "MatMul" or node.op in _PASSES]
        if not readers:
            return None
        found.append(readers[0])
        if readers[0].op == "MatMul":
            return found if readers[0].inputs[0] == name and not graph.is_constant(readers[0].inputs[1]) else None
        name = readers[0].outputs[0]
    return None


def _between(graph: GraphView, before: list[Node]) -> Iterator[str]:
    """What is not as it should be between the product of scores and the softmax."""
    *steps, _product = before
    adds = [node for node in steps if node.op == "Add"]
    if len(adds) > 1:
        yield f"{len(adds)} Adds stand between product and softmax, where one mask may be added"
    for node in reversed(steps):
        scaled = node.op in ("Mul", "Div") and any(scalar(graph, name) is not None for name in node.inputs)
        if node.op != "Add" and not scaled:
            yield f"{node.label} ({node.op}) stands between product and softmax"
    scores = graph.value(before[-1].outputs[0]).shape
    # without a mask these are fused wherever the scale stands
    if scores is not None and len(scores) == 3 and adds and any(node.op in ("Mul", "Div") for node in steps):
        yield "scores of three dimensions are scaled after the product"


def _around(graph: GraphView, softmax: Node, after: list[Node]) -> Iterator[str]:
    """What is not as it should be with the softmax and behind it."""
    shape = graph.value(softmax.outputs[0]).shape
    axis = softmax.attributes.get("axis", -1 if graph.opset >= 13 else 1)
    if shape is not None and axis not in (-1, len(shape) - 1):
        yield f"the softmax runs over axis {axis} of {len(shape)}"
    for node in after[:-1]:
        yield f"{node.label} ({node.op}) stands between softmax and product"
    if softmax.outputs[0] in graph.outputs or len(graph.consumers(softmax.outputs[0])) > 1:
        yield "the weights of the softmax are read elsewhere, too"
