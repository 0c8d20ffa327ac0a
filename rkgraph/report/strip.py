"""The placement picture: one cell a node, in graph order, coloured by device; as numbers, the template draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rkgraph.diagnostics import Device
from rkgraph.results import PlacedNode

__all__ = ["Cell", "Strip", "strip"]

WIDTH = 960
_CELL = 11
_GAP = 2
_PER_ROW = WIDTH // (_CELL + _GAP)


@dataclass(frozen=True)
class Cell:
    """A square at x, y (in the picture's units) for one node; `title` is shown on hover."""

    x: int
    y: int
    device: Device
    title: str


@dataclass(frozen=True)
class Strip:
    """The picture: its size, the side of a cell, and the cells."""

    width: int
    height: int
    side: int
    cells: tuple[Cell, ...]


def strip(placement: Sequence[PlacedNode]) -> Strip:
    """One cell a node, row after row."""
    cells = tuple(
        Cell(
            (index % _PER_ROW) * (_CELL + _GAP),
            (index // _PER_ROW) * (_CELL + _GAP),
            node.device,
            f"{node.node} ({node.op}): {node.device.value}{' by ' + ', '.join(node.because) if node.because else ''}",
        )
        for index, node in enumerate(placement)
    )
    rows = -(-len(placement) // _PER_ROW)
    return Strip(WIDTH, max(rows * (_CELL + _GAP) - _GAP, _CELL), _CELL, cells)
