"""The probed node of a case in its graph, as lint sees nodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from rkgraph.analysis.folding import constancy, folded_nodes
from rkgraph.graph.load import view_of
from rkgraph.graph.view import GraphView, ModelView, Node
from rkgraph.probe.case import parse
from rkgraph.tables.limits import IsConstant, LimitKind, Scalar

__all__ = ["Place", "place_of"]


@dataclass(frozen=True, eq=False)
class Place:
    """The probed node of a model, as lint sees it: `is_constant` counts what folds away as constant."""

    view: ModelView
    node: Node
    graph: GraphView
    is_constant: IsConstant
    _seen: dict[LimitKind, tuple[Scalar, ...]] = field(default_factory=dict)

    def observe(self, kind: LimitKind) -> tuple[Scalar, ...]:
        """What a limit looks at, here; looked at once, for the groups of platforms that share a place."""
        if kind not in self._seen:
            self._seen[kind] = tuple(kind.observe(self.node, self.graph, self.is_constant))
        return self._seen[kind]


@lru_cache(maxsize=50_000)
def place_of(text: str) -> Place:
    """The probed node of a model in ONNX text."""
    view = view_of(parse(text), Path("case"), "", {}, {})
    probed = next(node for node in view.main.nodes if node.name == "probe")
    return Place(view, probed, view.main, constancy(view.main, folded_nodes(view)))
