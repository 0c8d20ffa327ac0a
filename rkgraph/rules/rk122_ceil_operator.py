"""RK122: Ceil, for which the board has no kernel."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.graph.rewrite import EXACT, Edit, Refusal
from rkgraph.graph.view import Node
from rkgraph.rulebook.elementwise import lowered
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each that cannot run as it is."""
    for graph, node in needing(lint, ("Ceil",)):
        yield not_as_it_is(lint, graph, node, "it is −Floor(−x)")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Floor of the negated operand, negated."""
    return lowered(lint, finding, _ceil, prefix="rk122", tolerance=EXACT, detail="−Floor(−x)")


def _ceil(write: Writer, _node: Node, inputs: tuple[str, ...], _dtype: str) -> str:
    return write.op("Neg", write.op("Floor", write.op("Neg", inputs[0])))
