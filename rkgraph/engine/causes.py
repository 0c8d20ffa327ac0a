"""Cause and effect among findings: which one is the root, and which ones go away with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rkgraph.analysis.origins import subgraphs
from rkgraph.graph.view import GraphView, ModelView, Node
from rkgraph.rulebook.rule import EXPLAINED, Finding

__all__ = ["causes"]

Place = tuple[str, int]


def causes(model: ModelView, findings: Sequence[tuple[str, Finding]]) -> Mapping[int, int]:
    """Index of each induced finding → index of the finding that is its root, for (code, finding) in order.

    A finding is induced by the first other finding that may be its root (see `Finding`) and explains its place.
    Several findings of one code at one place do not explain each other, and no finding ends up as its own cause.
    """
    told = _told(findings)
    downstream = {
        code: _first_upstream(model, findings, code) for code in {c for _, finding in findings for c in finding.roots}
    }
    induced: dict[int, int] = {}
    for index, (code, finding) in enumerate(findings):
        place = _place(finding)
        if place is None:
            continue
        candidates = [root for root in told.get(place, ()) if _accepts(finding, findings[root][0])]
        candidates += [first[place] for c in finding.roots if place in (first := downstream[c])]
        for root in sorted(candidates):
            root_code, root_finding = findings[root]
            is_twin = root_code == code and _place(root_finding) == place
            if not is_twin and _root(root, induced) != index:
                induced[index] = root
                break
    return {index: _root(index, induced) for index in induced}


def _accepts(finding: Finding, code: str) -> bool:
    return EXPLAINED in finding.roots or code in finding.roots


def _root(index: int, induced: Mapping[int, int]) -> int:
    while index in induced:
        index = induced[index]
    return index


def _place(finding: Finding) -> Place | None:
    return (finding.node.path, finding.node.index) if finding.node else None


def _told(findings: Sequence[tuple[str, Finding]]) -> Mapping[Place, list[int]]:
    """Place → the findings that say themselves that they explain it."""
    told: dict[Place, list[int]] = {}
    for index, (_, finding) in enumerate(findings):
        for place in finding.explains or ():
            told.setdefault(place, []).append(index)
    return told


def _first_upstream(model: ModelView, findings: Sequence[tuple[str, Finding]], code: str) -> Mapping[Place, int]:
    """Place → the first finding of `code` at it or upstream of it.

    Each node is visited once: what lies behind a node that was reached before was reached before, too.
    """
    graphs = {graph.path: graph for graph in model.graphs()}
    first: dict[Place, int] = {}
    for index, (own, finding) in enumerate(findings):
        if own == code and finding.explains is None:
            waiting = list(_starts(graphs[finding.graph], finding))
            while waiting:
                graph, node = waiting.pop()
                if (node.path, node.index) not in first:
                    first[node.path, node.index] = index
                    waiting.extend(_next(graph, node))
    return first


def _starts(graph: GraphView, finding: Finding) -> Iterator[tuple[GraphView, Node]]:
    if finding.node is not None:
        yield graph, finding.node
    elif finding.value is not None:
        yield from ((graph, node) for node in graph.consumers(finding.value))


def _next(graph: GraphView, node: Node) -> Iterator[tuple[GraphView, Node]]:
    """The nodes within `node`, and those that read what it makes."""
    for inner in subgraphs(node):
        yield from ((inner, nested) for nested in inner.nodes)
    for name in node.outputs:
        yield from ((graph, reader) for reader in graph.consumers(name))
