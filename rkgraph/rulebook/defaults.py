"""Attributes that are left out because they have their default, and that a toolkit reads all the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.analysis.schemas import STANDARD, default_of
from rkgraph.tables.node_limits import AttributePresence

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.tables.table import Judgement, Violation

__all__ = ["left_out"]


def left_out(graph: GraphView, node: Node, judgement: Judgement) -> Iterator[tuple[Violation, str, float | int]]:
    """The violations of `node` that writing a default out would mend: each with the attribute and its default."""
    if node.domain not in STANDARD:
        return
    for violation in judgement.violations:
        attribute = _missing(violation)
        default = None if attribute is None else default_of(node.op, graph.opset, attribute)
        if attribute is not None and default is not None:
            yield violation, attribute, default


def _missing(violation: Violation) -> str | None:
    """The attribute that has to be there, where that is the limit, or the limit is only for nodes without it."""
    limit = violation.limit.check
    if isinstance(limit, AttributePresence):
        return limit.attribute if limit.present else None
    conditions = (c for c in violation.limit.when if isinstance(c, AttributePresence) and not c.present)
    return next((c.attribute for c in conditions), None)
