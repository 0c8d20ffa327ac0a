"""RK515: queries, keys and values, and other products of one value, each computed by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.rulebook.joint_products import MOST, Projection, by_input, joined, meet_in_a_product, narrow_ones
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal
    from rkgraph.graph.view import GraphView
    from rkgraph.rulebook.rule import LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each value, at the first of its products."""
    for members in _groups(lint, lint.model.main):
        labels = [member.node.label for member in members]
        yield Finding(
            f"{', '.join(labels)} each read '{members[0].node.inputs[0]}': one product with all {len(members)} "
            "matrices would read it once, and be split",
            node=members[0].node,
            among=tuple(member.node for member in members),
            observed={"products": labels, "columns": [member.columns for member in members]},
        )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """One product with the matrices side by side, whose columns are split."""
    return joined(lint, finding, "rk515", lambda graph: list(_groups(lint, graph)))


def _groups(lint: LintContext, graph: GraphView) -> Iterator[tuple[Projection, ...]]:
    """All products of a value, but a gate and what it gates (RK516), and narrow ones (RK514)."""
    for members, shape in by_input(lint, graph):
        told = meet_in_a_product(graph, members) or narrow_ones(members, shape)[0]
        if not told and sum(member.columns for member in members) <= MOST:
            yield members
