"""RK516: a gate and what it is multiplied with, two products of one value, each computed by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.rulebook.joint_products import Projection, by_input, joined, meet_in_a_product
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal
    from rkgraph.graph.view import GraphView
    from rkgraph.rulebook.rule import LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each pair, at its first product."""
    for members in _pairs(lint, lint.model.main):
        one, other = (member.node.label for member in members)
        yield Finding(
            f"{one} and {other}, which a Mul joins, each read '{members[0].node.inputs[0]}': one product with both "
            "matrices would read it once, and be split",
            node=members[0].node,
            among=tuple(member.node for member in members),
            observed={"products": [one, other], "columns": [member.columns for member in members]},
        )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """One product with the matrices side by side, whose columns are split."""
    return joined(lint, finding, "rk516", lambda graph: list(_pairs(lint, graph)))


def _pairs(lint: LintContext, graph: GraphView) -> Iterator[tuple[Projection, ...]]:
    for members, _ in by_input(lint, graph):
        if meet_in_a_product(graph, members):
            yield members
