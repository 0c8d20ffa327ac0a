"""Normalisation by mean and variance in the forms of which the compiler makes one layer, exact in half precision."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rkgraph.records import Record
from rkgraph.rulebook.writer import Writer

__all__ = ["Moments", "moments", "normalised", "per_channel"]


class Moments(Record):
    """Mean, variance (of the population) and 1 / √(variance + ε) over some axes, dimensions kept."""

    mean: str
    variance: str
    inverse: str


def moments(write: Writer, x: str, dtype: str, axes: Sequence[int], epsilon: float) -> Moments:
    """The moments of `x` over `axes`: the variance as the mean of squared distances, which does not cancel."""
    mean = write.reduce("ReduceMean", x, axes)
    apart = write.op("Sub", x, mean)
    variance = write.reduce("ReduceMean", write.op("Mul", apart, apart), axes)
    root = write.op("Sqrt", write.op("Add", variance, write.constant(epsilon, dtype, "epsilon")))
    return Moments(mean, variance, write.op("Div", write.constant(1.0, dtype, "one"), root))


def normalised(write: Writer, x: str, dtype: str, shape: Sequence[int], *, kept: Sequence[int], epsilon: float) -> str:
    """`x` less its mean, over √(variance + ε), both over all axes but `kept`; in the shape of `x`.

    One InstanceNormalization of as many rows as the kept axes have elements, which becomes exNorm on the NPU.
    """
    rest = [axis for axis in range(len(shape)) if axis not in kept]
    order = [*kept, *rest]
    turned = [shape[axis] for axis in order]
    batch, rows = (turned[0], turned[1]) if tuple(kept) == (0, 1) else (1, math.prod(shape[axis] for axis in kept))
    flat = (batch, rows, math.prod(shape[axis] for axis in rest))
    ones, zeros = (write.constant([number] * rows, dtype, hint) for number, hint in ((1.0, "scale"), (0.0, "bias")))
    x = write.transpose(x, order)
    if tuple(turned) != flat:
        x = write.reshape(x, flat)
    x = write.op("InstanceNormalization", x, ones, zeros, epsilon=epsilon)
    if tuple(turned) != flat:
        x = write.reshape(x, turned)
    return write.transpose(x, [order.index(axis) for axis in range(len(shape))])


def per_channel(write: Writer, x: str, rank: int, scale: str, bias: str) -> str:
    """`x` · scale + bias, each a vector along axis 1 of `x`; "" for none."""
    place = (1, -1, *[1] * (rank - 2))
    if scale:
        x = write.op("Mul", x, write.reshape(scale, place))
    return write.op("Add", x, write.reshape(bias, place)) if bias else x
