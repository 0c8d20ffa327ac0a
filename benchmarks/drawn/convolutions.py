"""Convolutions of one to three spatial dimensions, groups, strides, dilations and every way to pad."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.drawn.case import Case, Draw, Family

__all__ = ["FAMILIES"]


def conv(draw: Draw) -> Case:
    """Conv; weights are an input in a fifth of the draws."""
    rank, group = draw.one((1, 2, 3)), draw.one((1, 1, 2, 3))
    channels, filters = group * draw.whole(1, 4), group * draw.whole(1, 4)
    attributes: dict[str, Any] = {
        "strides": draw.wholes(rank, 1, 3),
        "dilations": draw.wholes(rank, 1, 2),
        "group": group,
    }
    if draw.maybe(0.6):
        attributes["pads"] = draw.wholes(2 * rank, 0, 2)
    elif draw.maybe(0.5):
        attributes |= {"auto_pad": draw.one(("SAME_UPPER", "SAME_LOWER", "VALID")), "dilations": [1] * rank}
    inputs = [
        draw.array((draw.one((1, 1, 2)), channels, *draw.wholes(rank, 7, 13))),
        draw.array((filters, channels // group, *draw.wholes(rank, 1, 4))),
    ]
    constants = draw.second_constant(0.8)
    if draw.maybe(0.6):
        inputs.append(draw.array((filters,)))
        constants.append(2)
    return Case("Conv", inputs, attributes, draw.one((11, 17, 18)), constants)


def conv_transpose(draw: Draw) -> Case:
    """ConvTranspose; its size is told by pads, by output_padding, by both or by output_shape."""
    rank, group = draw.one((1, 2, 2, 3)), draw.one((1, 1, 2, 3))
    channels, filters = group * draw.whole(1, 4), draw.whole(1, 4)
    kernel, size = draw.wholes(rank, 1, 4), draw.wholes(rank, 3, 8)
    attributes: dict[str, Any] = {
        "strides": draw.wholes(rank, 1, 3),
        "dilations": [draw.one((1, 1, 2)) for _ in range(rank)],
        "group": group,
    }
    attributes |= _transposed_size(draw, kernel, size, attributes["strides"], attributes["dilations"])
    inputs = [
        draw.array((draw.one((1, 1, 2)), channels, *size)),
        draw.array((channels, filters, *kernel)),
    ]
    constants = draw.second_constant(0.8)
    if draw.maybe(0.5):
        inputs.append(draw.array((filters * group,)))
        constants.append(2)
    return Case("ConvTranspose", inputs, attributes, draw.one((11, 17)), constants)


def _transposed_size(
    draw: Draw, kernel: list[int], size: list[int], strides: list[int], dilations: list[int]
) -> Mapping[str, Any]:
    rank = len(kernel)
    way = draw.one((*["pads"] * 3, "pads and padding", *["padding"] * 3, *["shape"] * 3))
    if way == "shape":
        wanted = [s * n + draw.one((0, 0, 1)) for s, n in zip(strides, size, strict=True)]
        reached = [s * (n - 1) + (k - 1) * d + 1 for s, n, k, d in zip(strides, size, kernel, dilations, strict=True)]
        # a larger one than all the kernels reach would need pads below zero
        if any(r < w for r, w in zip(reached, wanted, strict=True)):
            return {}
        return {"output_shape": wanted, "auto_pad": draw.one(("SAME_UPPER", "SAME_LOWER", "NOTSET"))}
    found: dict[str, Any] = {}
    if way in {"pads", "pads and padding"}:
        found["pads"] = [draw.whole(0, 1) if kernel[i % rank] > 1 else 0 for i in range(2 * rank)]
    if way in {"padding", "pads and padding"}:
        found["output_padding"] = [draw.whole(0, s - 1) for s in strides]
    return found


FAMILIES: Mapping[str, Family] = {"Conv": conv, "ConvTranspose": conv_transpose}
