"""RK535: a softmax with its largest element taken away beforehand, in single steps or in front of a Softmax."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import Tolerance
from rkgraph.rulebook.known import NotKnown, float_of, lower, reduced_axes, rounding, shape_of
from rkgraph.rulebook.pattern import Match, match_any, pattern
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer

_LESS_LARGEST = ("Sub(x, largest=ReduceMax(x))", "Sub(x, largest=ReduceMax(x, _))")
_SUMS = ("sum=ReduceSum(Exp({}))", "sum=ReduceSum(Exp({}), _)")
_QUOTIENTS = ("Div(Exp({0}), {1})", "Mul(Exp({0}), Reciprocal({1}))", "Mul(Exp({0}), Div(#one, {1}))")
FORMS = (
    *(
        pattern(quotient.format(less, total.format(less)))
        for quotient in _QUOTIENTS
        for less in _LESS_LARGEST
        for total in _SUMS
    ),
    *(pattern(f"softmax=Softmax({less})") for less in _LESS_LARGEST),
)


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each softmax over the last axis whose largest element is looked for beforehand."""
    for graph in lint.model.graphs():
        if "ReduceMax" not in graph.ops or graph.ops.isdisjoint({"Exp", "Softmax"}):
            continue
        for node in graph.nodes_of("Div", "Mul", "Softmax"):
            found = _softmax(graph, node)
            if found is None or (graph.path, node.index) in lint.folded:
                continue
            yield Finding(
                f"the softmax {node.outputs[0]} takes the largest element away first: ReduceMax runs on the CPU, and "
                "the compiler does that within one layer",
                graph=graph.path,
                node=node,
                observed={"x": found.values["x"]},
                limit={"form": "Softmax(x)"},
                evidence=("rewrites:composed-softmax",),
                explains=frozenset((graph.path, inner.index) for inner in found.nodes),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Write one Softmax."""
    return lower(lint, finding, "rk535", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    found = _softmax(graph, node)
    if found is None:
        raise NotKnown(f"{node.label} is no softmax any more")
    x = found.values["x"]
    dtype = float_of(graph, x)
    new = write.op("Softmax", x, axis=len(shape_of(graph, x)) - 1)
    # The same exponentials, divided by the same sum: some roundings of numbers of at most 1.
    tolerance = rounding(dtype) if dtype == "float16" else Tolerance(1e-6, 2e-5)
    return write.rewrite({node.outputs[0]: new}, tolerance, "one Softmax, which is as safe by itself")


def _softmax(graph: GraphView, node: Node) -> Match | None:
    """The softmax over the last axis that ends at `node`."""
    found = match_any(graph, node.outputs[0], FORMS)
    if not isinstance(found, Match) or found.numbers.get("one", 1.0) != 1.0:
        return None
    shape = graph.value(found.values["x"]).shape
    if shape is None or len(shape) < 2:
        return None
    last = len(shape) - 1
    softmax = found.named.get("softmax")
    if softmax is not None and softmax.attributes.get("axis", -1 if graph.opset >= 13 else 1) not in (-1, last):
        return None
    reductions = [made for made in found.nodes if made.op in ("ReduceMax", "ReduceSum")]
    return found if all(_is_over(graph, made, last, len(shape)) for made in reductions) else None


def _is_over(graph: GraphView, reduction: Node, axis: int, rank: int) -> bool:
    try:
        axes = reduced_axes(graph, reduction, rank)
    except NotKnown:
        return False
    return axes == (axis,) and reduction.attributes.get("keepdims", 1) == 1
