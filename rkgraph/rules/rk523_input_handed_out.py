"""RK523: an int64 input that is an output as well, and that a Cast reads: the toolkit dies of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.analysis.defects import defect
from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import EXACT
from rkgraph.rulebook.known import lower, shape_of
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer

NAME = "input-handed-out"


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Identity between an int64 input and an output, where another node reads the input."""
    known, main = defect(NAME), lint.model.main
    if lint.table.version not in known.fails:
        return
    for node in main.nodes_of("Identity"):
        name = node.inputs[0]
        others = [reader for reader in main.consumers(name) if reader.op != "Identity"]
        if name in main.inputs and node.outputs[0] in main.outputs and main.value(name).dtype == "int64" and others:
            yield Finding(
                f"the input '{name}' is handed out as '{node.outputs[0]}' and read by {others[0].label}; the toolkit "
                "dies of an int64 input that is both (SIGFPE)",
                node=node,
                observed={"input": name, "output": node.outputs[0]},
                evidence=known.evidence,
                verdict=Verdict.BUILD_FAILS,
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The output as a Reshape of the input to the shape that it has, which the toolkit leaves as a node of its own."""
    return lower(lint, finding, "rk523", _write)


def _write(graph: GraphView, node: Node, w: Writer) -> Rewrite:
    shape = shape_of(graph, node.inputs[0])
    new = w.reshape(node.inputs[0], shape)
    return w.rewrite({node.outputs[0]: new}, EXACT, "Reshape to the same shape")
