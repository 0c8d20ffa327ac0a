"""RK551: a GELU that the compiler would make one layer of, but for something that stands in the way."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.rulebook.pattern import scalar
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext

NEAR = 1e-2
"""In parts: a number so near √2, 1 or ½ is meant to be it."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Erf of a GELU that keeps the form that is fused, and is not fused all the same."""
    for graph in lint.model.graphs():
        for node in graph.nodes_of("Erf"):
            if (graph.path, node.index) in lint.folded:
                continue
            reasons = list(_reasons(graph, node))
            if reasons:
                yield Finding(
                    f"the GELU at {node.label} is not fused to one layer, so that Erf runs on the CPU: "
                    f"{'; '.join(reasons)}",
                    graph=graph.path,
                    node=node,
                    observed={"reasons": reasons},
                    limit={"form": "x · (erf(x / √2) + 1) · ½, in this order, its parts read nowhere else"},
                )


def _reasons(graph: GraphView, erf: Node) -> Iterator[str]:
    """What differs from x · (erf(x / √2) + 1) · ½; nothing where it is no GELU at all."""
    scaled, shifted = graph.producer(erf.inputs[0]), _reader(graph, erf.outputs[0], "Add")
    if scaled is None or scaled.op != "Div" or shifted is None or _number(graph, shifted) is None:
        return
    gated = _reader(graph, shifted.outputs[0], "Mul")
    if gated is None:
        return
    x, root = scaled.inputs[0], scalar(graph, scaled.inputs[1])
    if root is None:
        return
    if not _is_near(root, math.sqrt(2)):
        yield f"it divides by {root:.6g}, not by √2"
    other = next((name for name in gated.inputs if name != shifted.outputs[0]), "")
    half = graph.producer(other)
    if half is not None and half.index > erf.index and _halves(graph, half, x):
        yield f"{half.label}, which halves x, stands behind the Erf in the file; it must stand before, or come last"
    for name, maker in ((erf.outputs[0], shifted), (shifted.outputs[0], gated)):
        others = [reader for reader in graph.consumers(name) if reader is not maker]
        if others:
            yield f"'{name}' is read by {others[0].label} ({others[0].op}), too"
        if name in graph.outputs:
            yield f"'{name}' is an output, too"


def _reader(graph: GraphView, name: str, op: str) -> Node | None:
    return next((node for node in graph.consumers(name) if node.op == op), None)


def _number(graph: GraphView, node: Node) -> float | None:
    """The constant that an Add has."""
    return next((value for name in node.inputs if (value := scalar(graph, name)) is not None), None)


def _halves(graph: GraphView, node: Node, x: str) -> bool:
    if node.op not in ("Mul", "Div") or x not in node.inputs:
        return False
    number = _number(graph, node)
    return number is not None and _is_near(number, 0.5 if node.op == "Mul" else 2.0)


def _is_near(number: float, wanted: float) -> bool:
    return abs(number / wanted - 1) < NEAR
