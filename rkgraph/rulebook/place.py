"""Where a fix works: the graph and the node of a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Refusal
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import Finding, LintContext

__all__ = ["place_of"]


def place_of(lint: LintContext, finding: Finding) -> tuple[GraphView, Node] | Refusal:
    """The main graph and the node of the finding; a refusal where the node lies in a subgraph or function.

    Raises:
        ValueError: the finding has no node.
    """
    from rkgraph.graph.rewrite import Refusal

    if finding.node is None:
        raise ValueError(f"a finding without a node: {finding.message}")
    if finding.graph != lint.model.main.path:
        return Refusal(f"it lies in {finding.graph}; only the main graph is rewritten")
    return lint.model.main, finding.node
