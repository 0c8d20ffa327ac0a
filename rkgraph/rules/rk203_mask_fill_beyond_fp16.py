"""RK203: a mask filled with minus infinity, or with a number that fp16 cannot hold."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from rkgraph.analysis.attention import LARGEST_SCORE, MASK_FILL, Arrival, softmaxes_behind
from rkgraph.fp16 import FP16_MAX
from rkgraph.graph.rewrite import Between, Edit, Refusal, Rewrite, Tape, Tolerance
from rkgraph.graph.view import Constant, GraphView, Node
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext

# Operators that bring a fill into a mask, and the inputs that may hold it.
CARRIERS = {"Where": (1, 2), "Mul": (0, 1), "Add": (0, 1), "Max": (0, 1), "Expand": (0,)}
OF_SHAPE = "value"  # the attribute of ConstantOfShape that holds it


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each constant beyond fp16 that any node, folded or not, brings into a softmax."""
    for graph in lint.model.graphs():
        for node in graph.nodes:
            for place, constant in _constants(graph, node):
                if not _has_fill(constant, either_sign=node.op == "Mul"):
                    continue
                arrival = softmaxes_behind(graph, node.outputs[0])
                if arrival.softmaxes:
                    yield _finding(graph, node, place, constant, arrival)


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same node with a fill that fp16 holds."""
    import numpy as np

    at = place_of(lint, finding)
    if isinstance(at, Refusal):
        return at
    (graph, node), place = at, finding.observed["place"]
    if finding.observed["elsewhere"]:
        return Refusal(f"the filled value is more than a mask: {finding.observed['elsewhere']}")
    constant = dict(_constants(graph, node))[place]
    if node.op == "Mul" and any(math.isinf(v) for v in constant.values):
        return Refusal("0 · ∞ is NaN: where nothing is masked, the model computes NaN already")
    numbers = np.array(constant.values, dtype=constant.dtype).reshape(constant.shape)
    tame = np.where(np.abs(numbers) > FP16_MAX, np.sign(numbers) * -MASK_FILL, numbers)
    tape = Tape(f"rk203/{node.outputs[0]}")
    fill = tape.constant(tame, constant.dtype, "fill")
    if place == OF_SHAPE:
        new = tape.op("Expand", fill, node.inputs[0])
    else:
        inputs = (fill if position == place else name for position, name in enumerate(node.inputs))
        new = tape.op(node.op, *inputs, **node.attributes)
    # Where the constant is added to the scores themselves, these must leave something of the fill.
    scores = [name for name in node.inputs if node.op == "Add" and not graph.is_constant(name)]
    bound = Between(-LARGEST_SCORE, LARGEST_SCORE)
    tolerance = Tolerance(0.0, 0.0, beyond=-MASK_FILL - LARGEST_SCORE)
    detail = f"{finding.observed['fill']} → {MASK_FILL:.0f}"
    return Rewrite({node.outputs[0]: new}, tape, tolerance, detail=detail, within=dict.fromkeys(scores, bound))


def _constants(graph: GraphView, node: Node) -> Iterator[tuple[int | str, Constant]]:
    """The constants by which `node` may fill a mask, with their places."""
    if node.domain not in ("", "ai.onnx"):
        return
    places = (place for place in CARRIERS.get(node.op, ()) if place < len(node.inputs))
    candidates: list[tuple[int | str, Any]] = [(place, graph.constant(node.inputs[place])) for place in places]
    if node.op == "ConstantOfShape":
        candidates = [(OF_SHAPE, node.attributes.get(OF_SHAPE))]
    yield from ((place, constant) for place, constant in candidates if isinstance(constant, Constant))


def _has_fill(constant: Constant, *, either_sign: bool) -> bool:
    """Whether fp16 cannot hold some of its numbers, and all of these are fills (below zero, unless it is a factor)."""
    if not constant.dtype.startswith("float"):
        return False
    beyond = [v for v in constant.values if not abs(v) <= FP16_MAX]
    return bool(beyond) and all(v < 0 or (either_sign and v > 0) for v in beyond)


def _finding(graph: GraphView, node: Node, place: int | str, constant: Constant, arrival: Arrival) -> Finding:
    fill = max(constant.values, key=abs)
    count = len(arrival.softmaxes)
    return Finding(
        f"{node.op} fills a mask with {fill:.4g}, which {count} softmax{'' if count == 1 else 'es'} read; fp16 ends at "
        f"±{FP16_MAX:.0f}",
        graph=graph.path,
        node=node,
        observed={"fill": f"{fill:.8g}", "place": place, "softmaxes": count, "elsewhere": arrival.elsewhere},
        limit={"largest magnitude": FP16_MAX},
        evidence=("rewrites:mask-fill",),
        key=str(place),
    )
