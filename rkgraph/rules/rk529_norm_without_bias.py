"""RK529: a norm of several rows that has no bias, where the toolkit dies of the layer that it makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.analysis.defects import defect
from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import Tolerance
from rkgraph.rulebook.known import NotKnown, float_of, lower, shape_of
from rkgraph.rulebook.plain_norms import PlainNorm, plain_norms
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer

NAME = "norm-without-bias"
UNSEEN = 2e-8
"""Rounds to 0 in fp16, whose least number is 6e-8, and is no zero for the toolkit, which takes 1e-8 for one."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each norm of more than one row with a scale and no bias, where the version at hand dies of it."""
    known = defect(NAME)
    if lint.table.version not in known.fails:
        return
    for graph in lint.model.graphs():
        for norm in plain_norms(graph):
            rows = norm.rows(graph)
            if not norm.scale or rows in (None, 1) or (graph.path, norm.last.index) in lint.folded:
                continue
            yield Finding(
                f"a norm of {rows} rows without a bias: {lint.table.version} dies of the layer that it makes of it",
                graph=graph.path,
                node=norm.last,
                observed={"kind": norm.kind, "rows": rows},
                limit={"form": "x / √(mean(x²) + ε)" if norm.kind == "rms" else "with a bias"},
                evidence=known.evidence,
                verdict=Verdict.BUILD_FAILS,
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """A bias of zeros; the RMSNorm, behind which the toolkit takes zeros out, as a quotient that it does not fuse."""
    return lower(lint, finding, "rk529", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    norm = next((each for each in plain_norms(graph) if each.last.index == node.index), None)
    if norm is None:
        raise NotKnown(f"{node.label} is no norm any more")
    dtype, width = float_of(graph, norm.x), shape_of(graph, norm.x)[-1]
    if norm.kind == "layer":
        zeros = write.constant([0.0] * width, dtype, "bias")
        new = write.op("LayerNormalization", norm.x, norm.scale, zeros, **dict(node.attributes))
    elif norm.kind == "rms":
        new = write.op("Mul", write.op("Div", norm.x, _root(graph, norm)), norm.scale)
    else:
        bias = write.constant([UNSEEN] + [0.0] * (width - 1), dtype, "bias")
        new = write.op("Add", write.op("Mul", norm.quotient, norm.scale), bias)
    # A handful of roundings in another order; |result| is at most √width · |scale|.
    return write.rewrite({norm.result: new}, Tolerance(2e-5, 2e-5), "the same norm, as this version takes it")


def _root(graph: GraphView, norm: PlainNorm) -> str:
    """√(mean(x²) + ε) of x · (1 / √…)."""
    product = graph.producer(norm.quotient)
    inverses = [graph.producer(name) for name in (product.inputs if product is not None else ()) if name != norm.x]
    if len(inverses) != 1 or inverses[0] is None:
        raise NotKnown(f"{norm.quotient} is not x · (1 / √…)")
    return inverses[0].inputs[1]
