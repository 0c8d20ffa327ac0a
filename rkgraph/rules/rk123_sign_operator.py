"""RK123: Sign, for which the board has no kernel."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.graph.rewrite import Edit, Refusal, Tolerance
from rkgraph.graph.view import Node
from rkgraph.rulebook.elementary import Elementary
from rkgraph.rulebook.elementwise import lowered
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each of floats that cannot run as it is."""
    for graph, node in needing(lint, ("Sign",)):
        yield not_as_it_is(lint, graph, node, "it is a large multiple, clipped to ±1")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Multiplied by the largest fp16 number and clipped to ±1, twice."""
    return lowered(
        lint, finding, _sign, prefix="rk123", tolerance=Tolerance(1e-6, 0.0), detail="a large multiple, clipped"
    )


def _sign(write: Writer, _node: Node, inputs: tuple[str, ...], dtype: str) -> str:
    return Elementary(write, dtype).sign(inputs[0])
