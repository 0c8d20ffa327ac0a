"""RK154: the logarithm of a value times a large number: the product overflows fp16 before its logarithm is taken."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rkgraph.fp16 import FP16_MAX
from rkgraph.graph.rewrite import Edit, Refusal, Rewrite, Tolerance
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import NotKnown, float_of, lower
from rkgraph.rulebook.pattern import Match, match, pattern
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

LARGE = 2.0**14
"""Factors from which on values of 4 overflow."""

KEPT = 2.0**-12
"""What is added under the logarithm stays at least so large: four times the smallest normal number of fp16."""

_SCALED = pattern("Log(Add(Mul(x, #factor), #added))")


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live Log of (x · factor + added) whose factor is large."""
    for graph in lint.model.graphs():
        if "Log" not in graph.ops:
            continue
        for node in lint.live_nodes(graph):
            found = _scaled(graph, node)
            if found is not None:
                factor, added = found.numbers["factor"], found.numbers["added"]
                yield Finding(
                    f"{found.values['x']} is multiplied by {factor:g} before its logarithm is taken: in fp16 what is "
                    f"above {FP16_MAX / factor:.3g} overflows",
                    graph=graph.path,
                    node=node,
                    observed={"factor": factor, "added": added},
                    limit={"factor": LARGE},
                    evidence=("facts:cards",),
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """log(x·factor + added) = log(x·(factor/s) + added/s) + log(s), s a power of two."""
    return lower(lint, finding, "rk154", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    found = _scaled(graph, node)
    if found is None:
        raise NotKnown(f"{node.label} is no logarithm of a value times a large number")
    dtype = float_of(graph, node.outputs[0])
    factor, added = found.numbers["factor"], found.numbers["added"]
    scale = _scale(factor, added)
    product = write.op("Mul", found.values["x"], write.constant(factor / scale, dtype, "factor"))
    total = write.op("Add", product, write.constant(added / scale, dtype, "added"))
    result = write.op("Add", write.op("Log", total), write.constant(math.log(scale), dtype, "log_of_scale"))
    detail = f"{factor:g} is {factor / scale:g} times {scale:g}, whose logarithm is added"
    return write.rewrite({node.outputs[0]: result}, Tolerance(1e-5, 1e-5), detail)


def _scaled(graph: GraphView, node: Node) -> Match | None:
    if node.op != "Log" or node.domain not in ("", "ai.onnx"):
        return None
    found = match(graph, node.outputs[0], _SCALED)
    if not isinstance(found, Match):
        return None
    factor, added = found.numbers["factor"], found.numbers["added"]
    if not (LARGE <= factor < math.inf and 0 < added < math.inf) or _scale(factor, added) <= 1:
        return None
    return found


def _scale(factor: float, added: float) -> float:
    """The largest power of two that leaves `KEPT` of what is added, and a factor of at least 1."""
    return float(2.0 ** math.floor(math.log2(min(added / KEPT, factor))))
