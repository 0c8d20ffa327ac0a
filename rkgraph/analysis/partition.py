"""Cuts a graph of operators into stages that alternate between the NPU and the host, at the least estimated time.

A stage reads what earlier stages made, so that stages along every path never go back. For a given sequence of devices
the best assignment is a minimum cut (Ishikawa's construction for ordered labels, IEEE TPAMI 25(10), 2003): a node n has
a variable "is later than stage i" for each boundary i, its time on the device of stage i is an edge of its chain, an
edge of the graph forbids to go back, and a value pays for every boundary that it crosses, once for all its readers.
Sequences of devices are tried from one stage up.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from rkgraph.analysis.coarsening import Piece, coarsened
from rkgraph.records import Record

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["HOST", "NPU", "Costs", "Part", "Piece", "partition"]

NPU, HOST = "npu", "host"

MOST_STAGES = 7
"""Longer sequences are not tried: every crossing costs more than what is between two of them is worth."""


class Costs(Record):
    """What lies between stages, in microseconds: by value that crosses (None: it cannot), and for each NPU stage."""

    crossing: Mapping[str, float | None]
    stage: float = 0.0


class Part(Record):
    """A stage: its device and its pieces, by index, ascending."""

    device: str
    pieces: tuple[int, ...]


def partition(pieces: Sequence[Piece], costs: Costs) -> tuple[Part, ...]:
    """The stages in order; one for the host where no piece that computes can run on the NPU.

    The piece that gains most by the NPU stays there, so that something does.

    Args:
        pieces: in an order in which each comes after those that make what it reads.
        costs: of what lies between.
    """
    everything = tuple(range(len(pieces)))
    pieces = _bound(pieces, costs)
    while any(piece.npu is not None and piece.works for piece in pieces):
        parts = _best(pieces, costs)
        idle = [p for part in parts if part.device == NPU and not _works(pieces, part) for p in part.pieces]
        if not idle:
            return parts
        pieces = [replace(piece, npu=None) if index in idle else piece for index, piece in enumerate(pieces)]
    return (Part(HOST, everything),)


def _bound(pieces: Sequence[Piece], costs: Costs) -> Sequence[Piece]:
    """The pieces; those that a value which cannot cross binds to one for the host are for the host, too."""
    readers: dict[str, list[int]] = {}
    for index, piece in enumerate(pieces):
        for name in piece.reads:
            readers.setdefault(name, []).append(index)
    makers = {name: index for index, piece in enumerate(pieces) for name in piece.makes}
    waiting = [index for index, piece in enumerate(pieces) if piece.npu is None]
    bound = set(waiting)
    while waiting:
        piece = pieces[waiting.pop()]
        fixed = [
            name for name in (*piece.reads, *piece.makes) if name in costs.crossing and costs.crossing[name] is None
        ]
        near = {
            other for name in fixed for other in (*readers.get(name, ()), *([makers[name]] if name in makers else []))
        }
        waiting += near - bound
        bound |= near
    return [replace(piece, npu=None) if index in bound else piece for index, piece in enumerate(pieces)]


def _works(pieces: Sequence[Piece], part: Part) -> bool:
    return any(pieces[index].works for index in part.pieces)


def _pinned(pieces: Sequence[Piece]) -> Sequence[Piece]:
    """The pieces, of which the one that gains most by the NPU must not go to the host."""
    able = [index for index, piece in enumerate(pieces) if piece.npu is not None and piece.works]
    heaviest = max(able, key=lambda index: (pieces[index].host or math.inf) - (pieces[index].npu or 0.0))
    return [replace(piece, host=None) if index == heaviest else piece for index, piece in enumerate(pieces)]


def _best(fine: Sequence[Piece], costs: Costs) -> tuple[Part, ...]:
    """The cheapest over all sequences of devices, the shorter one where two cost the same."""
    coarse, places = coarsened(fine)
    pieces = _pinned(coarse)
    cheapest, best = math.inf, None
    worse = 0  # lengths in a row that brought nothing: a longer sequence only adds to them
    for length in range(1, MOST_STAGES + 1):
        improved = False
        for first in (NPU, HOST):
            devices = [NPU if (first == NPU) == (level % 2 == 0) else HOST for level in range(length)]
            if NPU not in devices:
                continue
            time, levels = _assigned(pieces, devices, costs)
            time += costs.stage * len({level for level in levels if devices[level] == NPU})
            if time < cheapest - 1e-6:
                cheapest, best, improved = time, _parts(devices, [levels[place] for place in places]), True
        worse = 0 if improved else worse + 1
        if best is not None and worse == 2:
            break
    if best is None:  # what must run on the NPU lies between too many things that cannot
        raise ValueError(f"no sequence of up to {MOST_STAGES} stages fits")
    return best


def _parts(devices: Sequence[str], levels: Sequence[int]) -> tuple[Part, ...]:
    """The stages that are not empty; neighbours on the same device are one."""
    parts: list[Part] = []
    for level, device in enumerate(devices):
        own = tuple(index for index, found in enumerate(levels) if found == level)
        if own and parts and parts[-1].device == device:
            parts[-1] = Part(device, tuple(sorted((*parts[-1].pieces, *own))))
        elif own:
            parts.append(Part(device, own))
    return tuple(parts)


def _assigned(pieces: Sequence[Piece], devices: Sequence[str], costs: Costs) -> tuple[float, list[int]]:
    """Least time, and the stage of each piece; infinite where the sequence of devices does not do."""
    if len(devices) == 1:
        times = [_time(piece, devices[0]) for piece in pieces]
        return sum(times), [0] * len(pieces)
    import networkx as nx  # 0.1 s, and few models are split

    graph: nx.DiGraph[object] = nx.DiGraph()
    forbidden = _forbidden(pieces, costs, len(devices))
    for tail, head, capacity in chain(
        _chains(pieces, devices, forbidden), _crossings(pieces, costs, devices, forbidden)
    ):
        known = graph.get_edge_data(tail, head, {"capacity": 0.0})["capacity"]
        graph.add_edge(tail, head, capacity=known + min(capacity, forbidden))
    # Boykov and Kolmogorov's algorithm is the fastest of networkx for graphs of this kind.
    residual = nx.algorithms.flow.boykov_kolmogorov(graph, "early", "late")
    time = residual.graph["flow_value"]
    if time >= forbidden:
        return math.inf, [0] * len(pieces)
    later = _reachable(residual, "early")
    return time, [sum((index, i) in later for i in range(len(devices) - 1)) for index in range(len(pieces))]


_Edge = tuple[object, object, float]


def _chains(pieces: Sequence[Piece], devices: Sequence[str], forbidden: float) -> Iterator[_Edge]:
    """For each piece the chain from "early" to "late" that is cut where its stage is."""
    for index, piece in enumerate(pieces):
        stops: list[object] = ["early", *((index, i) for i in range(len(devices) - 1)), "late"]
        for level, device in enumerate(devices):
            yield stops[level], stops[level + 1], _time(piece, device)
        for level in range(1, len(devices) - 1):
            yield stops[level + 1], stops[level], forbidden


def _crossings(pieces: Sequence[Piece], costs: Costs, devices: Sequence[str], forbidden: float) -> Iterator[_Edge]:
    """What holds readers behind makers, and what each boundary costs a value."""
    readers: dict[str, list[int]] = {}
    for index, piece in enumerate(pieces):
        for name in dict.fromkeys(piece.reads):
            readers.setdefault(name, []).append(index)
    for maker, piece in enumerate(pieces):
        for name in piece.makes:
            price = costs.crossing.get(name, 0.0)
            for boundary in range(len(devices) - 1):
                crossed = ("value", name, boundary)
                yield crossed, (maker, boundary), forbidden if price is None else price
                for reader in readers.get(name, ()):  # a piece that was joined does not read what it makes
                    yield (maker, boundary), (reader, boundary), forbidden
                    yield (reader, boundary), crossed, forbidden


def _time(piece: Piece, device: str) -> float:
    time = piece.npu if device == NPU else piece.host
    return math.inf if time is None else time


def _forbidden(pieces: Sequence[Piece], costs: Costs, stages: int) -> float:
    """More than everything that is allowed can cost together."""
    times = sum(max(piece.npu or 0.0, piece.host or 0.0) for piece in pieces)
    return 1.0 + times + stages * sum(price or 0.0 for price in costs.crossing.values())


def _reachable(residual: nx.DiGraph[object], source: object) -> set[object]:
    """The nodes that more flow could reach: the side of the cut where variables are true."""
    found, waiting = {source}, [source]
    while waiting:
        for head, edge in residual[waiting.pop()].items():
            if head not in found and edge["flow"] < edge["capacity"] - 1e-9:
                found.add(head)
                waiting.append(head)
    return found
