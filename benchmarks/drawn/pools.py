"""Pools over windows of one to three dimensions and over whole planes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.drawn.case import FLOAT, Case, Draw, Family, outputs

__all__ = ["FAMILIES"]


@dataclass(frozen=True)
class _Windows:
    shape: tuple[int, ...]
    attributes: Mapping[str, Any]

    @property
    def explicit(self) -> bool:
        """Whether padding is told in numbers, so that dilations are allowed."""
        return "auto_pad" not in self.attributes

    def dilations(self, draw: Draw) -> Mapping[str, Any]:
        return {"dilations": draw.wholes(len(self.shape) - 2, 1, 2)}


def _windows(draw: Draw) -> _Windows:
    rank = draw.one((1, 2, 2, 3))
    kernel = draw.wholes(rank, 1, 4)
    attributes: dict[str, Any] = {"kernel_shape": kernel}
    if draw.maybe(0.8):
        attributes["strides"] = draw.wholes(rank, 1, 3)
    way = draw.chance.random()
    if way < 0.5:
        attributes["pads"] = [draw.whole(0, kernel[i % rank] - 1) for i in range(2 * rank)]
    elif way < 0.7:
        attributes["auto_pad"] = draw.one(("SAME_UPPER", "SAME_LOWER", "VALID"))
    return _Windows((draw.one((1, 1, 2)), draw.whole(1, 6), *draw.wholes(rank, 6, 12)), attributes)


def max_pool(draw: Draw) -> Case:
    """MaxPool, also of integers, with ceil_mode, dilations and indices."""
    windows = _windows(draw)
    attributes = dict(windows.attributes)
    if draw.maybe(0.4):
        attributes["ceil_mode"] = 1
    if windows.explicit and draw.maybe(0.3):
        attributes |= windows.dilations(draw)
    x = draw.array(windows.shape, draw.one((FLOAT, FLOAT, FLOAT, "float16", "int8", "uint8")))
    return Case("MaxPool", [x], attributes, draw.one((11, 12, 18, 19)), outputs=outputs(draw.one((1, 1, 1, 2))))


def average_pool(draw: Draw) -> Case:
    """AveragePool with ceil_mode, count_include_pad and, from opset 19, dilations."""
    windows, opset = _windows(draw), draw.one((11, 12, 18, 19))
    attributes = dict(windows.attributes)
    if draw.maybe(0.4):
        attributes["ceil_mode"] = 1
    if draw.maybe(0.5):
        attributes["count_include_pad"] = 1
    if opset >= 19 and windows.explicit and draw.maybe(0.5):
        attributes |= windows.dilations(draw)
    return Case("AveragePool", [draw.array(windows.shape)], attributes, opset)


def lp_pool(draw: Draw) -> Case:
    """LpPool of p 1, 2 or 3."""
    windows = _windows(draw)
    attributes = {**windows.attributes, "p": draw.one((1, 2, 2, 3))}
    return Case("LpPool", [draw.array(windows.shape)], attributes, draw.one((11, 18)))


def global_pool(draw: Draw) -> Case:
    """GlobalLpPool, GlobalAveragePool, GlobalMaxPool."""
    op = draw.one(("GlobalLpPool", "GlobalAveragePool", "GlobalMaxPool"))
    planes = draw.shape(draw.one((1, 2, 3)), 3, 9)
    return Case(op, [draw.array((draw.one((1, 2)), draw.whole(1, 6), *planes))], opset=13)


FAMILIES: Mapping[str, Family] = {
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "LpPool": lp_pool,
    "GlobalPool": global_pool,
}
