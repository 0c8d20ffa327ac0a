"""RK507: an RMSNorm that the compiler does not recognise, because it is not written as the one it knows."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.graph.rewrite import Edit, Refusal, Rewrite, Tape, Tolerance
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import NotKnown
from rkgraph.rulebook.norm_readings import fit_last_axis, norm_readings
from rkgraph.rulebook.pattern import Match, match_any
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rms_norms import CANONICAL, rms_norm
from rkgraph.rulebook.rule import Finding, LintContext

DIES = frozenset({"2.2.0"})
"""Versions that end with SIGSEGV where they make one layer of it (12 of 12 builds, each in a new process)."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each RMSNorm over the last axis in another form, or without a scale."""
    if lint.table.version in DIES:
        return
    for graph in lint.model.graphs():
        for node in lint.live_nodes(graph):
            found = rms_norm(graph, node)
            if found is None:
                continue
            canonical = isinstance(match_any(graph, node.outputs[0], CANONICAL), Match)
            scaled = _is_scaled(lint, graph, node)
            if canonical and scaled:
                continue
            what = "an RMSNorm without a scale" if canonical else "an RMSNorm in a form"
            yield Finding(
                f"{what} that the compiler does not fuse: it stays a chain of elementwise layers",
                graph=graph.path,
                node=node,
                observed={"x": found.values["x"], "epsilon": found.numbers["epsilon"], "scaled": scaled},
                limit={"form": "x · (1 / √(mean(x^2) + epsilon)) · scale"},
                evidence=("rewrites:rms-norm-forms",),
            )
        yield from _spelled_otherwise(lint, graph)


def _spelled_otherwise(lint: LintContext, graph: GraphView) -> Iterator[Finding]:
    """Those that no form knows: other roots and means, and scales that are multiplied with something else first."""
    for norm in norm_readings(graph, lambda name: lint.is_constant(graph, name)):
        node = norm.node
        if norm.kind != "rms" or (graph.path, node.index) in lint.folded or rms_norm(graph, node) is not None:
            continue
        yield Finding(
            "an RMSNorm in a form that the compiler does not fuse: it stays a chain of elementwise layers",
            graph=graph.path,
            node=node,
            observed={
                "x": norm.x,
                "epsilon": norm.epsilon,
                "scaled": bool(norm.scales) or _is_scaled(lint, graph, node),
                "scales": norm.scales,
            },
            limit={"form": "x · (1 / √(mean(x^2) + epsilon)) · scale"},
            evidence=("rewrites:rms-norm-forms",),
            explains=frozenset((graph.path, inner.index) for inner in norm.nodes),
        )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Write the RMSNorm in the form that the compiler knows, with a scale of ones where there is none."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    x = finding.observed["x"]
    value = graph.value(x)
    width = value.shape[-1] if value.shape else None
    if value.dtype is None or not isinstance(width, int):
        return Refusal(f"the dtype or the last dimension of {x} is unknown")
    scales = finding.observed.get("scales", ())
    try:
        fit_last_axis(graph, scales, width)
    except NotKnown as reason:
        return Refusal(str(reason))
    dtype, tape = value.dtype, Tape(f"rk507/{node.outputs[0]}")
    square = tape.op("Pow", x, tape.constant(2.0, dtype, "two"))
    if graph.opset < 18:
        mean = tape.op("ReduceMean", square, axes=(-1,), keepdims=1)
    else:
        mean = tape.op("ReduceMean", square, tape.constant([-1], "int64", "axes"), keepdims=1)
    root = tape.op("Sqrt", tape.op("Add", mean, tape.constant(finding.observed["epsilon"], dtype, "epsilon")))
    new = tape.op("Mul", x, tape.op("Div", tape.constant(1.0, dtype, "one"), root))
    for scale in scales:
        new = tape.op("Mul", new, scale)
    if not finding.observed["scaled"]:
        new = tape.op("Mul", new, tape.constant([1.0] * width, dtype, "scale"))
    # A handful of roundings in another order; |result| is at most √width.
    return Rewrite({node.outputs[0]: new}, tape, Tolerance(2e-5, 2e-5), detail="the same RMSNorm, as it is fused")


def _is_scaled(lint: LintContext, graph: GraphView, node: Node) -> bool:
    """Whether all that reads the quotient is one product with a constant, or with what folds to one."""
    name = node.outputs[0]
    readers = graph.consumers(name)
    if len(readers) != 1 or readers[0].op != "Mul" or name in graph.outputs:
        return False
    others = [other for other in readers[0].inputs if other != name]
    return len(others) == 1 and lint.is_constant(graph, others[0])
