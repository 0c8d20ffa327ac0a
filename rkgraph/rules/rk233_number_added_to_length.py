"""RK233: a number added to the length that vectors are divided by, which the toolkit puts under the root."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.analysis.defects import defect
from rkgraph.diagnostics import Severity
from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
from rkgraph.rulebook.known import float_of, lower, reduced_axes, rounding, shape_of
from rkgraph.rulebook.pattern import Match, match_any
from rkgraph.rulebook.rule import Finding
from rkgraph.rulebook.unit_vectors import SUMMED

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer

NAME = "number-added-to-length"

TOLD = 1e-3
"""Numbers from here on are an error by themselves; smaller ones where vectors are short, which samples tell."""

SHORT = 50.0
"""x / √(n² + e) is more than 1 % off x / (n + e) where n² is less than so many e (for e < 0.01)."""

NONE = 1e-12  # what RK232 leaves out


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each such quotient whose vectors are, or may be, so short that it counts."""
    known = defect(NAME)
    if lint.table.version not in known.wrong:
        return
    for graph in lint.model.graphs():
        if "ReduceL2" not in graph.ops:
            continue
        for node in lint.live_nodes(graph):
            found = match_any(graph, node.outputs[0], SUMMED) if node.op == "Div" else None
            if not isinstance(found, Match) or found.numbers["added"] <= NONE:
                continue
            added, length = found.numbers["added"], found.named["length"]
            shortest = _shortest(lint, graph, length)
            if shortest is not None and shortest**2 > SHORT * added and shortest > SHORT * added:
                continue
            counts = shortest is not None or added >= TOLD
            yield Finding(
                f"{added:g} is added to the length that {found.values['x']} is divided by; {lint.table.version} adds "
                f"it to the square instead, which is wrong for vectors shorter than {(SHORT * added) ** 0.5:.2g}",
                graph=graph.path,
                node=node,
                observed={"added": added, "shortest": "unknown" if shortest is None else f"{shortest:.3g}"},
                limit={"shortest": f"{(SHORT * added) ** 0.5:.2g}"},
                evidence=known.evidence,
                severity=Severity.WARNING if counts else Severity.NOTE,
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The length as the root of a sum of squares, of which the toolkit makes no layer."""
    if finding.severity is Severity.NOTE:
        return Refusal("whether vectors are so short is not known", "--calibration SAMPLES.npz")
    return lower(lint, finding, "rk233", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    found = match_any(graph, node.outputs[0], SUMMED)
    assert isinstance(found, Match)  # noqa: S101  # it was found
    x, length = found.values["x"], found.named["length"]
    dtype, shape = float_of(graph, x), shape_of(graph, x)
    axes = reduced_axes(graph, length, len(shape))
    keepdims = bool(length.attributes.get("keepdims", 1))
    total = write.reduce("ReduceSum", write.op("Mul", x, x), axes, keepdims=keepdims)
    guarded = write.op("Add", write.op("Sqrt", total), write.constant(found.numbers["added"], dtype, "added"))
    new = write.op("Div", x, guarded)
    return write.rewrite({node.outputs[0]: new}, rounding(dtype, len(shape)), "the length as a root")


def _shortest(lint: LintContext, graph: GraphView, length: Node) -> float | None:
    """The least length on the samples."""
    if graph.path != lint.model.main.path:
        return None
    seen = lint.observed.of((length.outputs[0],)).get(length.outputs[0])
    return None if seen is None else seen.low
