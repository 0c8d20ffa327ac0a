"""Makes a large graph small for `partition`: nodes far from whatever cannot run on the NPU go together.

A cut lies near the nodes that ask for it. The nearest ones stay as they are; all others are joined where as many
changes of device lie before them and behind them, so that the cut which is found by always changing is still there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from rkgraph.records import Record

__all__ = ["Piece", "coarsened"]

MOST = 300
"""Nodes that stay as they are. The minimum cuts of so many take about half a second with networkx."""


class Piece(Record):
    """A node to be placed.

    Attributes:
        reads, makes: values; those that no piece makes are there from the beginning, everywhere.
        npu: microseconds on the NPU; None where it cannot run there.
        host: microseconds on the host; None where it must not run there.
        works: it computes something; a stage of pieces that only move data is not worth a model for the NPU.
    """

    reads: tuple[str, ...]
    makes: tuple[str, ...]
    npu: float | None
    host: float | None
    works: bool = True


def coarsened(pieces: Sequence[Piece]) -> tuple[list[Piece], list[int]]:
    """Fewer pieces, and for each old one the index of the one that it became part of.

    Args:
        pieces: in an order in which each comes after those that make what it reads.
    """
    if len(pieces) <= MOST:
        return list(pieces), list(range(len(pieces)))
    makers = {name: index for index, piece in enumerate(pieces) for name in piece.makes}
    before = [sorted({makers[name] for name in piece.reads if name in makers}) for piece in pieces]
    near = _nearest(pieces, before)
    depths, heights = _changes(pieces, before), _changes_behind(pieces, before)
    keys: dict[object, int] = {}
    places = []
    for index, piece in enumerate(pieces):
        key = index if index in near else (piece.npu is None, piece.host is None, depths[index], heights[index])
        places.append(keys.setdefault(key, len(keys)))
    members: list[list[Piece]] = [[] for _ in keys]
    for place, piece in zip(places, pieces, strict=True):
        members[place].append(piece)
    return [_joined(group) for group in members], places


def _nearest(pieces: Sequence[Piece], before: Sequence[Sequence[int]]) -> set[int]:
    """Up to `MOST` nodes that can run on the NPU, by their distance from those that cannot."""
    neighbours: list[set[int]] = [set(found) for found in before]
    for index, found in enumerate(before):
        for other in found:
            neighbours[other].add(index)
    waiting = deque(index for index, piece in enumerate(pieces) if piece.npu is None)
    seen, near = set(waiting), set[int]()
    while waiting and len(near) < MOST:
        index = waiting.popleft()
        if pieces[index].npu is not None:
            near.add(index)
        fresh = sorted(neighbours[index] - seen)
        seen.update(fresh)
        waiting.extend(fresh)
    return near


def _changes(pieces: Sequence[Piece], before: Sequence[Sequence[int]]) -> list[int]:
    """How often the device changes on the way to each node, at most, if all that can is on the NPU."""
    depths: list[int] = []
    for index, piece in enumerate(pieces):
        steps = [depths[p] + ((pieces[p].npu is None) != (piece.npu is None)) for p in before[index]]
        depths.append(max(steps, default=int(piece.npu is None)))
    return depths


def _changes_behind(pieces: Sequence[Piece], before: Sequence[Sequence[int]]) -> list[int]:
    """The same from each node to the end."""
    heights = [0] * len(pieces)
    for index in reversed(range(len(pieces))):
        for p in before[index]:
            step = heights[index] + ((pieces[p].npu is None) != (pieces[index].npu is None))
            heights[p] = max(heights[p], step)
    return heights


def _joined(group: Sequence[Piece]) -> Piece:
    if len(group) == 1:
        return group[0]
    made: Mapping[str, None] = {name: None for piece in group for name in piece.makes}
    reads = {name: None for piece in group for name in piece.reads if name not in made}
    npu = [piece.npu for piece in group if piece.npu is not None]
    host = [piece.host for piece in group if piece.host is not None]
    return Piece(
        tuple(reads),
        tuple(made),
        sum(npu) if len(npu) == len(group) else None,
        sum(host) if len(host) == len(group) else None,
        any(piece.works for piece in group),
    )
