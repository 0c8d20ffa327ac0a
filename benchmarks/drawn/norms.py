"""Normalizations over channels, groups, positions and neighbours."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchmarks.drawn.case import Case, Draw, Family

__all__ = ["FAMILIES"]


def _layer(draw: Draw) -> Case:
    rank = draw.whole(2, 5)
    shape, axis = draw.shape(rank, 2, 6), draw.axis(rank)
    bias = draw.array(shape[axis:]) if draw.maybe(0.7) else None
    attributes = {"axis": axis, "epsilon": draw.one((1e-5, 1e-12, 1e-3))}
    return Case("LayerNormalization", [draw.array(shape), draw.array(shape[axis:]), bias], attributes, 17, [1, 2])


def _planes(draw: Draw) -> tuple[int, ...]:
    return (draw.one((1, 2)), draw.one((2, 4, 6)), *draw.shape(draw.whole(1, 3), 2, 6))


def _group(draw: Draw) -> Case:
    # of opset 21: that of 18, with a scale of each group, was withdrawn and onnx's checker refuses it
    x = draw.array(_planes(draw))
    scale, bias = draw.array(x.shape[1:2]), draw.array(x.shape[1:2])
    return Case("GroupNormalization", [x, scale, bias], {"num_groups": 2}, 21, [1, 2])


def _instance(draw: Draw) -> Case:
    x = draw.array(_planes(draw))
    scale, bias = draw.array(x.shape[1:2]), draw.array(x.shape[1:2])
    return Case("InstanceNormalization", [x, scale, bias], {}, 13, draw.one(([1, 2], [])))


def _batch(draw: Draw) -> Case:
    x = draw.array(_planes(draw))
    scale, bias, mean, spread = (draw.array(x.shape[1:2]) for _ in range(4))
    constants: list[int] = draw.one(([1, 2, 3, 4], [3, 4], []))
    variance = np.abs(spread) + np.float32(0.1)
    return Case("BatchNormalization", [x, scale, bias, mean, variance], {}, draw.one((9, 14, 15)), constants)


def _mean_variance(draw: Draw) -> Case:
    x = draw.array(_planes(draw))
    # the axes are 0, 2 and 3 unless told, which needs four dimensions
    told = x.ndim < 4 or draw.maybe(0.5)
    attributes = {"axes": sorted(draw.some(range(x.ndim), least=1))} if told else {}
    return Case("MeanVarianceNormalization", [x], attributes, 13)


def _local_response(draw: Draw) -> Case:
    attributes = {
        "size": draw.one((1, 3, 5, 4)),
        "alpha": draw.one((1e-4, 0.1)),
        "beta": draw.one((0.75, 0.5)),
        "bias": draw.one((1.0, 2.0)),
    }
    return Case("LRN", [draw.array(_planes(draw))], attributes, 13)


NORMS: tuple[Family, ...] = (_layer, _group, _instance, _batch, _mean_variance, _local_response)


def norm(draw: Draw) -> Case:
    """One of the six normalizations."""
    return draw.one(NORMS)(draw)


FAMILIES: Mapping[str, Family] = {"Norm": norm}
