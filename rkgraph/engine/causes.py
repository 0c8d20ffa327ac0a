"""Cause and effect among findings: which one is the root, and which ones go away with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
    wanted = {code for _, finding in findings for code in finding.roots}
    explained = {
        index: _explained(model, finding)
        for index, (code, finding) in enumerate(findings)
        if code in wanted or finding.explains is not None
    }
    induced: dict[int, int] = {}
    for index, (code, finding) in enumerate(findings):
        place = _place(finding)
        for root, places in explained.items():
            root_code, root_finding = findings[root]
            is_twin = root_code == code and _place(root_finding) == place
            is_root = root_code in finding.roots or (EXPLAINED in finding.roots and root_finding.explains is not None)
            if is_root and place in places and not is_twin and _root(root, induced) != index:
                induced[index] = root
                break
    return {index: _root(index, induced) for index in induced}


def _root(index: int, induced: Mapping[int, int]) -> int:
    while index in induced:
        index = induced[index]
    return index


def _place(finding: Finding) -> Place | None:
    return (finding.node.path, finding.node.index) if finding.node else None


def _explained(model: ModelView, finding: Finding) -> frozenset[Place]:
    if finding.explains is not None:
        return finding.explains
    graph = next(g for g in model.graphs() if g.path == finding.graph)
    reached: set[Place] = set()
    if finding.node is not None:
        _reach(graph, finding.node, reached)
    elif finding.value is not None:
        _reach_readers(graph, finding.value, reached)
    return frozenset(reached)


def _reach(graph: GraphView, start: Node, reached: set[Place]) -> None:
    waiting = [start]
    while waiting:
        node = waiting.pop()
        if (node.path, node.index) in reached:
            continue
        reached.add((node.path, node.index))
        for inner in subgraphs(node):
            for inner_node in inner.nodes:
                _reach(inner, inner_node, reached)
        for name in node.outputs:
            waiting.extend(graph.consumers(name))


def _reach_readers(graph: GraphView, name: str, reached: set[Place]) -> None:
    for node in graph.consumers(name):
        _reach(graph, node, reached)
