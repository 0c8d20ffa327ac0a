"""RK145: a Dropout that drops nothing, and whose mask somebody reads or whose training mode is on."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Rewrite
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import NotKnown, constant_of, dtype_of, input_of, is_live, lower, shape_of
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

RATIO_INPUT = 12
"""Ratio and training_mode are inputs since this opset, and the mask is true where an element was kept; before, ONNX
Runtime hands out zeros."""
ALWAYS_TEST = 7  # before, the attribute is_test says whether it is one
LARGEST = 2**20
"""Most elements of a mask that becomes a constant."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live Dropout that hands on its input, but not by that alone."""
    for graph in lint.model.graphs():
        if "Dropout" not in graph.ops:
            continue
        for node in lint.live_nodes(graph):
            if node.op != "Dropout" or node.domain not in ("", "ai.onnx") or not _drops_nothing(graph, node):
                continue
            masked = any(is_live(graph, name) for name in node.outputs[1:])
            if masked or _is_training(graph, node):
                lost = masked and not any(graph.consumers(name) for name in node.outputs[1:] if name)
                what = "hands out its mask, which the compiler drops" if masked else "is in training mode with ratio 0"
                yield Finding(
                    f"Dropout {what}; it keeps every element",
                    graph=graph.path,
                    node=node,
                    observed={"mask": masked},
                    verdict=None if lost and not _is_training(graph, node) else Verdict.BUILD_FAILS,
                    explains=frozenset({(graph.path, node.index)}),
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The input instead of the output, and a constant mask."""
    return lower(lint, finding, "rk145", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    replaces = {node.outputs[0]: node.inputs[0]}
    for mask in node.outputs[1:]:
        if is_live(graph, mask):
            replaces[mask] = _mask(graph, node, write, mask)
    return write.rewrite(replaces, EXACT, "Dropout drops nothing here")


def _mask(graph: GraphView, node: Node, write: Writer, mask: str) -> str:
    """A constant; where the model hands it out, a comparison that is never true: constant outputs are dropped."""
    x, kept = node.inputs[0], graph.opset >= RATIO_INPUT
    shape, dtype = shape_of(graph, x), dtype_of(graph, mask)
    if mask in graph.outputs and dtype == "bool":
        never = write.op("Less", write.op("Abs", x), write.constant(-1.0, dtype_of(graph, x), "negative"))
        return write.op("Not", never) if kept else never
    if math.prod(shape) > LARGEST:
        raise NotKnown(f"the mask of {node.label} has {math.prod(shape)} elements")
    import numpy as np  # lint imports rules and has no time for it

    return write.constant(np.full(shape, kept), dtype, "mask")


def _drops_nothing(graph: GraphView, node: Node) -> bool:
    if graph.opset < ALWAYS_TEST and not node.attributes.get("is_test", 0):
        return False
    return not _is_training(graph, node) or _ratio(graph, node) == 0.0


def _is_training(graph: GraphView, node: Node) -> bool:
    """Whether it drops elements; a mode that is computed may be on."""
    mode = input_of(node, 2) if graph.opset >= RATIO_INPUT else ""
    constant = graph.constant(mode) if mode else None
    return bool(mode) and (constant is None or any(constant.values))


def _ratio(graph: GraphView, node: Node) -> float | None:
    """The share that is dropped in training; None where it is computed."""
    name = input_of(node, 1)
    if not name:
        return 0.5
    try:
        return float(constant_of(graph, name)[0])
    except NotKnown:
        return None
