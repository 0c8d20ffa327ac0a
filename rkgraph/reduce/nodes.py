"""Fewer nodes: around what the predicate named, windows of the order, then any set of them, cut out or bypassed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence

import onnx

from rkgraph.reduce.bypass import bypass, detours
from rkgraph.reduce.cut import cut, neighbourhood
from rkgraph.reduce.minimise import minimise, shortest_prefix
from rkgraph.reduce.search import Search

__all__ = ["bypass_nodes", "cut_nodes", "cut_one_by_one", "cut_window", "look_around"]

_RADII = (0, 1, 2, 4, 8)


def look_around(search: Search) -> None:
    """Try the nodes that the predicate named, alone, then with more and more of what is around them."""
    search.stage = "around the node"
    names = search.best.outcome.nodes
    _around(search, [[name] for name in reversed(names)] + ([list(names)] if len(names) > 1 else []))


def cut_window(search: Search) -> None:
    """The shortest beginning of the nodes in their order, by bisection; what is around its end; its shortest end."""
    search.stage = "window"
    proto, facts = search.best.proto, search.facts
    end = shortest_prefix(len(proto.graph.node), lambda n: search.attempt(cut(proto, facts, range(n))))
    if _around(search, [[name for name in proto.graph.node[end - 1].output if name]]):
        return
    start = end - shortest_prefix(end, lambda n: search.attempt(cut(proto, facts, range(end - n, end))))
    search.attempt(cut(proto, facts, range(start, end)))


def _around(search: Search, wanted: Iterable[list[str]]) -> bool:
    """Try what is around the nodes of these names, nearest first; True as soon as one does."""
    proto, facts = search.best.proto, search.facts
    for names, radius in itertools.product(wanted, _RADII):
        if search.attempt(cut(proto, facts, neighbourhood(proto, names, radius))):
            return True
    return False


def cut_nodes(search: Search) -> None:
    """As few nodes as can be; what the others made becomes inputs and constants."""
    search.stage = "nodes"
    proto, facts = search.best.proto, search.facts
    places = range(len(proto.graph.node))
    minimise(places, lambda keep: search.attempt(cut(proto, facts, frozenset(keep))))


def cut_one_by_one(search: Search) -> None:
    """Single nodes, cut out in other ways: with random constants for their results, with their inputs read twice."""
    search.stage = "single nodes"
    while any(_without_one(search, ways) for ways in _WAYS):
        continue


def bypass_nodes(search: Search) -> None:
    """Nodes whose readers can read one of their inputs instead: first those that keep dtype and shape, then dtype."""
    search.stage = "bypasses"
    for same_shape in (True, False):
        proto = search.best.proto
        around = detours(proto, search.facts, same_shape=same_shape)
        minimise(list(around), lambda keep: search.attempt(_bypassed(proto, around, keep)))  # noqa: B023
        while _bypass_one(search, same_shape):
            continue


def _bypassed(proto: onnx.ModelProto, around: dict[int, list[str]], keep: Sequence[int]) -> onnx.ModelProto | None:
    return bypass(proto, {place: names[0] for place, names in around.items() if place not in keep})


def _bypass_one(search: Search, same_shape: bool) -> bool:
    """Bypass one node by any of its inputs."""
    proto = search.best.proto
    around = detours(proto, search.facts, same_shape=same_shape)
    return any(search.attempt(bypass(proto, {place: name})) for place, names in around.items() for name in names)


def _without_one(search: Search, way: Callable[[Search, int], onnx.ModelProto | None]) -> bool:
    return any(search.attempt(way(search, place)) for place in reversed(range(len(search.best.proto.graph.node))))


def _rest(search: Search, place: int) -> frozenset[int]:
    return frozenset(range(len(search.best.proto.graph.node))) - {place}


def _exposed(search: Search, place: int) -> onnx.ModelProto | None:
    return cut(search.best.proto, search.facts, _rest(search, place), expose=True)


def _drawn(search: Search, place: int) -> onnx.ModelProto | None:
    return cut(search.best.proto, search.facts, _rest(search, place), constants=True)


_WAYS = (_drawn, _exposed)
