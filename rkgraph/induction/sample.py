"""A case as the learner sees it: the probed node in its graph, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from rkgraph.analysis.folding import folded_nodes
from rkgraph.analysis.origins import value_origins
from rkgraph.graph.load import view_of
from rkgraph.graph.view import GraphView, ModelView, Node
from rkgraph.probe.case import Case, parse
from rkgraph.tables.entry import Outcome
from rkgraph.tables.limits import IsConstant, LimitKind, Scalar

__all__ = ["Place", "Sample", "place_of", "samples_of"]


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


@dataclass(frozen=True)
class Sample:
    """One measured case. `imputed` where it was measured for the base target only, and carries over."""

    id: str
    op: str
    place: Place
    outcome: Outcome
    imputed: bool = False


@lru_cache(maxsize=50_000)
def place_of(text: str) -> Place:
    """The probed node of a model in ONNX text."""
    view = view_of(parse(text), Path("case"), "", {}, {})
    folded = folded_nodes(view, value_origins(view))
    graph = view.main
    gone = frozenset(name for node in graph.nodes if (node.path, node.index) in folded for name in node.outputs)
    probed = next(node for node in graph.nodes if node.name == "probe")
    return Place(view, probed, graph, lambda name: name in gone or graph.is_constant(name))


def samples_of(cases: Mapping[str, Case], lines: Iterable[Mapping[str, Any]]) -> dict[str, list[Sample]]:
    """The samples of lines of evidence by operator, in order of id. Lines whose case is gone are left out."""
    found: dict[str, list[Sample]] = {}
    for line in sorted(lines, key=lambda line: str(line["id"])):
        case = cases.get(line["id"])
        if case is not None:
            sample = Sample(case.id, case.op, place_of(case.text), line["outcome"])
            found.setdefault(case.op, []).append(sample)
    return dict(sorted(found.items()))
