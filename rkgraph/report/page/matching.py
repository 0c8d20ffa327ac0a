"""Which node of one view stands for which node of the next: original, fixed, compiled.

Fixing keeps the names of nodes and values that it does not touch, and says of every rewrite what it removed and added.
Where a node is gone without a trace (a constant that was folded), what reads its results stands for it: such
counterparts are `near`, and the page says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rkgraph.report.page.drawn import DrawnGraph
from rkgraph.results import AppliedFix

__all__ = ["Match", "match_fixed", "match_layers"]

_MOST = 32
"""More counterparts of one node are not followed: the first say where to look."""


@dataclass(frozen=True)
class Match:
    """For each node of a view its counterparts in the next one, by index; `near` where they only stand in for it."""

    to: tuple[tuple[int, ...], ...]
    near: frozenset[int]


def match_fixed(before: DrawnGraph, after: DrawnGraph, fixes: Iterable[AppliedFix]) -> Match:
    """Nodes of the original to those of the fixed graph: by label, by the value they compute, by what replaced them."""
    labels = _numbered(after.labels)
    makers = {name: node for node, outputs in enumerate(after.outputs) for name in outputs if name}
    added: dict[str, list[str]] = defaultdict(list)
    for fix in fixes:
        for name in fix.removed:
            added[name] += fix.added
    found: list[tuple[int, ...]] = []
    for label, outputs in zip(_each_numbered(before.labels), before.outputs, strict=True):
        same = labels.get(label)
        by_value = tuple(dict.fromkeys(makers[name] for name in outputs if name in makers))
        found.append((same,) if same is not None else by_value or _replaced(label[0], added, labels))
    return _with_neighbours(found, before)


def match_layers(fixed: DrawnGraph, layer_of: Mapping[int, int]) -> Match:
    """Nodes of the fixed graph to the layers that compute them."""
    return _with_neighbours([(layer_of[i],) if i in layer_of else () for i in range(len(fixed.labels))], fixed)


def _replaced(label: str, added: Mapping[str, Sequence[str]], labels: Mapping[tuple[str, int], int]) -> tuple[int, ...]:
    """What replaced a node, through fixes of fixes, and is still there."""
    found: dict[int, None] = {}
    seen, waiting = {label}, [label]
    while waiting and len(found) < _MOST:
        for name in added.get(waiting.pop(), ()):
            if (name, 0) in labels:
                found[labels[name, 0]] = None
            elif name not in seen:
                seen.add(name)
                waiting.append(name)
    return tuple(sorted(found))[:_MOST]


def _with_neighbours(found: list[tuple[int, ...]], graph: DrawnGraph) -> Match:
    """Nodes without a counterpart get that of the nearest node downstream, or else upstream."""
    near: set[int] = set()
    readers, sources = graph.readers, graph.sources
    for order, nexts in ((range(len(found) - 1, -1, -1), readers), (range(len(found)), sources)):
        for node in order:
            if not found[node]:
                others = dict.fromkeys(other for near_by in nexts[node] for other in found[near_by])
                if others:
                    found[node] = tuple(others)[:1]
                    near.add(node)
    return Match(tuple(found), frozenset(near))


def _each_numbered(labels: Sequence[str]) -> list[tuple[str, int]]:
    """Each label, with how often it was there before: names need not be unique."""
    counts: dict[str, int] = defaultdict(int)
    numbered = []
    for label in labels:
        numbered.append((label, counts[label]))
        counts[label] += 1
    return numbered


def _numbered(labels: Sequence[str]) -> dict[tuple[str, int], int]:
    return {label: index for index, label in enumerate(_each_numbered(labels))}
