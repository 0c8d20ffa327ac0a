"""RK514: narrow products of one wide value with several matrices, each of which reads it again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.rulebook.joint_products import Projection, by_input, joined, narrow_ones
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal
    from rkgraph.graph.view import GraphView
    from rkgraph.rulebook.rule import LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each value that several narrow products read, at the first of them."""
    main = lint.model.main
    for members, saved in _groups(lint, main):
        first = min((m.node for m in members), key=lambda node: node.index)
        labels = [m.node.label for m in members]
        yield Finding(
            f"{', '.join(labels)} each read '{first.inputs[0]}': one product with all {len(members)} matrices reads it "
            f"once and moves about {saved / 1024:,.1f} KB less",
            node=first,
            observed={"products": labels, "saved_bytes": saved},
        )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """One product with the matrices side by side, whose columns are split."""
    return joined(lint, finding, "rk514", lambda graph: [members for members, _ in _groups(lint, graph)])


def _groups(lint: LintContext, main: GraphView) -> Iterator[tuple[tuple[Projection, ...], int]]:
    """Products to join, in file order, and the bytes that it saves by the traffic of whole tensors."""
    for members, shape in by_input(lint, main):
        narrow, saved = narrow_ones(members, shape)
        if narrow:
            yield narrow, saved
