"""RK528: something computed is added to a norm of one row: the toolkit puts both into one layer, and dies or errs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.analysis.defects import defect
from rkgraph.diagnostics import Verdict
from rkgraph.rulebook.known import NotKnown, float_of, lower, rounding, shape_of
from rkgraph.rulebook.plain_norms import PlainNorm, plain_norms
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer

NAME = "sum-behind-norm"
JOINED = "2.3.2"
"""Joins layers that read the same: a sum with an input that another norm of that scale reads goes wrong as well."""
ANY_ROWS = "2.3.0"
"""Dies of x + norm(x) whatever the rows."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Add of a norm without a bias and something computed, where it goes wrong."""
    known = defect(NAME)
    version = lint.table.version
    if version not in known.fails:
        return
    for graph in lint.model.graphs():
        if "Add" not in graph.ops or not graph.ops & {"Sqrt", "LayerNormalization"}:
            continue
        found = [norm for norm in plain_norms(graph) if norm.scale]
        for norm in found:
            node, other = _added(graph, norm)
            if node is None or (graph.path, node.index) in lint.folded or lint.is_constant(graph, other):
                continue
            if _goes_wrong(graph, norm, other, found, version):
                yield Finding(
                    f"{other} is added to the norm {norm.result} of {norm.rows(graph)} rows: {version} puts both into "
                    "one layer, and dies of it or computes wrong numbers",
                    graph=graph.path,
                    node=node,
                    observed={"norm": norm.result, "added": other, "kind": norm.kind, "rows": norm.rows(graph)},
                    limit={"form": "the norm of a negated scale, subtracted"},
                    evidence=known.evidence,
                    verdict=Verdict.BUILD_FAILS,
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Subtract the norm with its scale negated: a Sub is not put into the norm."""
    return lower(
        lint, finding, "rk528", lambda graph, node, write: _write(graph, node, write, finding.observed["norm"])
    )


def _added(graph: GraphView, norm: PlainNorm) -> tuple[Node | None, str]:
    """The Add that alone reads the norm, and its other operand."""
    readers = graph.consumers(norm.result)
    if len(readers) != 1 or readers[0].op != "Add" or norm.result in graph.outputs:
        return None, ""
    others = [name for name in readers[0].inputs if name != norm.result]
    return (readers[0], others[0]) if len(others) == 1 else (None, "")


def _goes_wrong(graph: GraphView, norm: PlainNorm, other: str, norms: list[PlainNorm], version: str) -> bool:
    if graph.value(other).shape != graph.value(norm.result).shape:
        return False
    computed = graph.producer(other) is not None
    if norm.rows(graph) != 1:
        return version == ANY_ROWS and other == norm.x and computed
    alike = (each for each in norms if each.x == other and _is_alike(graph, each, norm))
    return computed or (version == JOINED and any(alike))


def _is_alike(graph: GraphView, one: PlainNorm, two: PlainNorm) -> bool:
    """Whether the scales of both may be equal; the values of large ones are not read."""
    values = [graph.constant(norm.scale) for norm in (one, two)]
    known = [value.values for value in values if value is not None]
    return one.scale == two.scale or len(known) < len(values) or known[0] == known[1]


def _write(graph: GraphView, node: Node, write: Writer, name: str) -> Rewrite:
    norm = next((each for each in plain_norms(graph) if each.result == name), None)
    other = next((given for given in node.inputs if given != name), "")
    if norm is None:
        raise NotKnown(f"{name} is no norm any more")
    dtype, shape = float_of(graph, name), shape_of(graph, name)
    scale = write.op("Neg", norm.scale)
    if norm.kind == "layer":
        negated = write.op("LayerNormalization", norm.x, scale, **dict(norm.last.attributes))
    else:
        negated = write.op("Mul", norm.quotient, scale)
    new = write.op("Sub", other, negated)
    return write.rewrite({node.outputs[0]: new}, rounding(dtype, shape[-1]), "the negated norm, subtracted")
