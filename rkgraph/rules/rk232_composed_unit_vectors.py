"""RK232: vectors over their length, written out: squares leave fp16 for numbers above 256 and below 0.004."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.fp16 import FP16_MAX
from rkgraph.graph.rewrite import Between, Edit, Refusal, Rewrite, Tolerance
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import NotKnown, lower, shape_of
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.unit_vectors import UnitVectors, is_one_layer, unit_vectors
from rkgraph.rulebook.writer import Writer
from rkgraph.targets import largest_activation

LARGEST_RANK = 5  # of LpNormalization, as far as it was measured

WITHIN = Between(-FP16_MAX, FP16_MAX)
NOT_ZERO = Between(2.0**-10, 256.0)
"""Where nothing guards vectors of zeros: they were NaN and become 0."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each such quotient, on targets that compute in fp16."""
    if largest_activation(lint.target) is None:
        return
    for graph in lint.model.graphs():
        for node in lint.live_nodes(graph):
            found = unit_vectors(graph, node)
            if found is None or is_one_layer(graph, node, lint.table.version):
                continue
            if _becomes_one_layer(lint, graph, found):
                yield Finding(
                    f"{found.x} over its length, written out: squares of numbers above 256 are infinite in fp16, and "
                    "those below 0.004 vanish; as one layer it is right for all",
                    graph=graph.path,
                    node=node,
                    observed={"x": found.x, "axis": found.axis, "epsilon": found.inside},
                    limit={"largest": 256, "smallest": 0.004},
                    evidence=("facts:cards",),
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """One LpNormalization; an RMSNorm as the compiler knows it where something is added before the root."""
    return lower(lint, finding, "rk232", _write)


def _becomes_one_layer(lint: LintContext, graph: GraphView, found: UnitVectors) -> bool:
    rank = len(graph.value(found.x).shape or ())
    entry = lint.table.entry("LpNormalization", lint.target.platform)
    if entry is None or entry.outcome != "npu":  # where there is no exNorm; 2.2.0 dies of an RMSNorm, too
        return False
    return found.axis == rank - 1 if found.inside else rank <= LARGEST_RANK


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    found = unit_vectors(graph, node)
    assert found is not None  # noqa: S101  # it was found
    shape_of(graph, found.x)
    if found.size == 1:
        raise NotKnown(f"{found.x} has one element a vector")
    if found.inside:
        new, detail = _as_rms_norm(write, found), "an RMSNorm, times 1 / √n"
    else:
        new, detail = write.op("LpNormalization", found.x, axis=found.axis, p=2), "one LpNormalization"
    within = {found.x: WITHIN if found.guarded else NOT_ZERO}
    return write.rewrite({node.outputs[0]: new}, Tolerance(1e-6, 2e-5), detail, within=within)


def _as_rms_norm(write: Writer, found: UnitVectors) -> str:
    """Of x: x · (1 / √(mean(x²) + ε/n)) · n^-1/2, in the form that becomes exNorm (see RK507)."""
    square = write.op("Pow", found.x, write.constant(2.0, "float32", "two"))
    mean = write.reduce("ReduceMean", square, (found.axis,))
    epsilon = write.constant(found.inside / found.size, "float32", "epsilon")
    root = write.op("Sqrt", write.op("Add", mean, epsilon))
    normed = write.op("Mul", found.x, write.op("Div", write.constant(1.0, "float32", "one"), root))
    return write.op("Mul", normed, write.constant([found.size**-0.5] * found.size, "float32", "scale"))
