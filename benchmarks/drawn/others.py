"""Operators that belong to no large family: regions, transforms, losses, and what simplifies away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.drawn.case import FLOAT, Array, Case, Draw, Family, int64, outputs

__all__ = ["FAMILIES"]


def _clip(draw: Draw) -> Case:
    dtype = draw.one((FLOAT, "int32", "int64", "int8", "uint8", "float64"))
    low = np.array(draw.one((0, 1, 2)), dtype) if draw.maybe(0.8) else None
    inputs = [draw.array(draw.shape(draw.whole(0, 5)), dtype), low, np.array(draw.one((3, 4)), dtype)]
    constants: list[int] = draw.one(([1, 2], [1], []))
    return Case("Clip", inputs, {}, draw.one((12, 13)), constants)


def _mean(draw: Draw) -> Case:
    shape = draw.shape(draw.whole(1, 4))
    inputs = [draw.array(shape), draw.array(shape[-1:]), draw.array(shape)][: draw.whole(1, 3)]
    return Case(draw.one(("Sum", "Mean")), inputs, {}, 13)


def _dropout(draw: Draw) -> Case:
    return Case("Dropout", [draw.array(draw.shape(3))], {}, draw.one((7, 10, 13)), outputs=outputs(draw.one((1, 2))))


def _identity(draw: Draw) -> Case:
    return Case("Identity", [draw.array((2, 3), draw.one((FLOAT, FLOAT, FLOAT, "float16", "float64")))], {}, 13)


def _roi_align(draw: Draw) -> Case:
    attributes: dict[str, Any] = {
        "mode": draw.one(("avg", "max")),
        "output_height": draw.whole(2, 4),
        "output_width": draw.whole(2, 4),
        "sampling_ratio": draw.one((0, 1, 2)),
        "spatial_scale": draw.one((1.0, 0.5)),
    }
    regions = np.array([[0, 0, 6, 6], [1, 2, 8, 7.5]], np.float32)
    constants: list[int] = draw.one(([1, 2], [1, 2], [2]))
    return Case(
        "RoiAlign", [draw.array((1, 3, 9, 10)), regions, int64(0, 0)], attributes, draw.one((10, 16)), constants
    )


def _max_roi_pool(draw: Draw) -> Case:
    regions = np.array([[0, 0, 0, 6, 6], [0, 1, 2, 8, 7]], np.float32)
    attributes = {"pooled_shape": [2, 3], "spatial_scale": 1.0}
    return Case("MaxRoiPool", [draw.array((1, 3, 9, 10)), regions], attributes, 13, draw.second_constant(0.5))


def _det(draw: Draw) -> Case:
    size = draw.whole(2, 7)
    return Case("Det", [draw.array((*draw.shape(draw.whole(0, 2), 1, 3), size, size))], {}, 13)


def _affine_grid(draw: Draw) -> Case:
    rank, batch = draw.one((2, 3)), draw.one((1, 2))
    size = int64(batch, 3, *draw.shape(rank, 2, 6))
    theta = draw.array((batch, rank, rank + 1))
    return Case("AffineGrid", [theta, size], {"align_corners": draw.one((0, 1))}, 20, [1])


def _dft(draw: Draw) -> Case:
    rank, parts = draw.one((2, 3)), draw.one((1, 2))
    attributes = {"axis": draw.whole(1, rank - 1)}
    if parts == 2:
        attributes |= {"inverse": draw.one((0, 1)), "onesided": 0}
    else:
        attributes["onesided"] = draw.one((0, 1))
    return Case("DFT", [draw.array((1, *draw.shape(rank - 1, 4, 9), parts))], attributes)


def _stft(draw: Draw) -> Case:
    window = draw.array((12,), low=0, high=1)
    inputs = [draw.array((1, 40, 1)), np.array(7, np.int64), window, np.array(12, np.int64)]
    return Case("STFT", inputs, {"onesided": draw.one((0, 1))}, constants=[1, 2, 3])


def _max_unpool(draw: Draw) -> Case:
    places = int64(5, 7, 13, 15).reshape(1, 1, 2, 2)
    attributes = {"kernel_shape": [2, 2], "strides": [2, 2]}
    return Case("MaxUnpool", [draw.array((1, 1, 2, 2)), places], attributes, 11, draw.second_constant(0.5))


def _non_max_suppression(draw: Draw) -> Case:
    boxes, scores = draw.array((1, 6, 4), low=0, high=1), draw.array((1, 2, 6), low=0, high=1)
    overlap = np.array([0.5], np.float32)
    return Case("NonMaxSuppression", [boxes, scores, int64(3), overlap], {}, 11, [2, 3])


def _unique(draw: Draw) -> Case:
    return Case("Unique", [draw.array((8,))], {}, 11)


def _log_likelihood(draw: Draw) -> Case:
    inputs = [draw.array((3, 5)), _classes(draw), draw.array((5,), low=0.1, high=1)]
    constants: list[int] = draw.one(([2], [1, 2]))
    return Case("NegativeLogLikelihoodLoss", inputs, _loss(draw), 13, constants)


def _cross_entropy(draw: Draw) -> Case:
    inputs = [draw.array((3, 5)), _classes(draw)]
    return Case("SoftmaxCrossEntropyLoss", inputs, _loss(draw), 13, outputs=outputs(draw.one((1, 2))))


def _classes(draw: Draw) -> Array:
    return draw.array((3,), "int64", 0, 5)


def _loss(draw: Draw) -> Mapping[str, Any]:
    return {"reduction": draw.one(("mean", "sum", "none"))}


def _deform_conv(draw: Draw) -> Case:
    mask = draw.array((1, 9, 4, 4), low=0, high=1) if draw.maybe(0.5) else None
    offsets = draw.array((1, 18, 4, 4), low=-0.5, high=0.5)
    inputs = [draw.array((1, 2, 6, 6)), draw.array((3, 2, 3, 3)), offsets, None, mask]
    return Case("DeformConv", inputs, {}, 19, [1])


OPERATORS: tuple[Family, ...] = (
    *(_clip, _mean, _mean, _dropout, _identity),  # Sum and Mean are two
    *(_roi_align, _max_roi_pool, _non_max_suppression, _max_unpool, _deform_conv, _affine_grid),
    *(_det, _dft, _stft, _unique, _log_likelihood, _cross_entropy),
)


def other(draw: Draw) -> Case:
    """One of seventeen operators."""
    return draw.one(OPERATORS)(draw)


FAMILIES: Mapping[str, Family] = {"Other": other}
