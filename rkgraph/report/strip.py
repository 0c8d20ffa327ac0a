"""The placement picture: one cell a node, in graph order, coloured by device; as paths, the template draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rkgraph.diagnostics import Device
from rkgraph.results import PlacedNode

__all__ = ["Strip", "strip"]

WIDTH = 1200
_ROWS_AT_MOST = 16
_GAP = 2
_SIDES = (12, 9, 6, 4, 2)
"""Sides of a cell, tried in turn until the rows are few enough."""


@dataclass(frozen=True)
class Strip:
    """The picture: its size, the side of a cell, and for each device the corners of its cells."""

    width: int
    height: int
    side: int
    cells: tuple[tuple[Device, tuple[tuple[int, int], ...]], ...]

    def path(self, corners: Sequence[tuple[int, int]]) -> str:
        """SVG path data of squares at these corners."""
        return "".join(f"M{x} {y}h{self.side}v{self.side}h-{self.side}z" for x, y in corners)


def strip(placement: Sequence[PlacedNode]) -> Strip:
    """One cell a node, row after row; smaller cells where there are many nodes."""
    side = next((s for s in _SIDES if -(-len(placement) // _per_row(s)) <= _ROWS_AT_MOST), _SIDES[-1])
    step, per_row = side + _GAP, _per_row(side)
    found: dict[Device, list[tuple[int, int]]] = {}
    for index, node in enumerate(placement):
        found.setdefault(node.device, []).append((index % per_row * step, index // per_row * step))
    rows = -(-len(placement) // per_row)
    cells = tuple((device, tuple(found[device])) for device in Device if device in found)
    return Strip(WIDTH, max(rows * step - _GAP, side), side, cells)


def _per_row(side: int) -> int:
    return WIDTH // (side + _GAP)
