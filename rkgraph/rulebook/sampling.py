"""Writes the sampling of images at computed places: weights of the elements along each axis, and what they sum up to.

For a place x the weight of element h is max(0, 1 − |x − h|) (linear), the same of the rounded x (nearest), or Keys'
cubic of |x − h|. Weights of elements that do not exist are left out, which is zero padding. Places are held as their
distance from the middle of the axis: then x − h is rounded once, and fp16 is as exact as the places themselves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rkgraph.rulebook.generated import MOST_ELEMENTS, bounded

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rkgraph.rulebook.writer import Writer

__all__ = ["elements", "middle", "sampled", "weights"]

CUBIC = -0.75
"""Keys' coefficient, as GridSample fixes it."""


def middle(size: int) -> float:
    """The place in the middle of an axis, from which places are counted."""
    return (size - 1) / 2


def elements(size: int) -> npt.NDArray[np.float64]:
    """Where the elements of an axis lie, [1, size, 1], counted from its middle."""
    import numpy as np

    return (np.arange(size).reshape(1, size, 1) - middle(size)).astype(np.float64)


def weights(writer: Writer, places: str, at: npt.NDArray[np.float64], mode: str, dtype: str) -> str:
    """The weights [n, size, points] of the elements of an axis for `places` [n, 1, points].

    `at`, [1, size, 1 or points], is where the elements lie, in the same count as the places, for all points or for each
    of them. For "nearest" the places must be those of elements already.
    """
    distance = writer.op("Abs", writer.op("Sub", places, writer.constant(at, dtype, "elements")))
    if mode != "cubic":
        negative = writer.op("Mul", distance, writer.constant(-1, dtype, "minus"))
        return writer.op("Relu", writer.op("Add", negative, writer.constant(1, dtype, "one")))
    a = CUBIC
    near, far = writer.clip(distance, dtype, 0.0, 1.0), writer.clip(distance, dtype, 1.0, 2.0)
    # Either polynomial is 0 where the other one is in force, so that their sum needs no choice.
    return writer.op(
        "Add",
        _polynomial(writer, near, (a + 2, -(a + 3), 0.0, 1.0), dtype),
        _polynomial(writer, far, (a, -5 * a, 8 * a, -4 * a), dtype),
    )


def sampled(writer: Writer, image: str, shape: Sequence[int], axes: Sequence[str], points: int) -> str:
    """The samples [n, channels, points] of an image [n, channels, *sizes] with weights [n, size, points] of each axis.

    Of two ways the one with the smaller values in between: all weights multiplied first, and then one product with
    the image; or the image summed up axis by axis, the last one first.

    Raises:
        NotKnown: what lies in between is too large either way.
    """
    n, channels, *sizes = shape
    together = n * math.prod(sizes) * points
    apart = n * channels * math.prod(sizes[:-1]) * points
    bounded("the weights of all places", [min(together, apart)], MOST_ELEMENTS)
    if together <= apart or len(sizes) == 1:
        return writer.op("MatMul", writer.reshape(image, (n, channels, -1)), _joint(writer, axes, sizes, n, points))
    value = writer.op("MatMul", writer.reshape(image, (n, -1, sizes[-1])), axes[-1])
    for place in reversed(range(len(sizes) - 1)):
        size, outer = sizes[place], channels * math.prod(sizes[:place])
        spread = writer.op(
            "Mul", writer.reshape(value, (n, outer, size, points)), writer.reshape(axes[place], (n, 1, size, points))
        )
        value = writer.reduce("ReduceSum", spread, [2], keepdims=False)
    return value


def _joint(writer: Writer, axes: Sequence[str], sizes: Sequence[int], n: int, points: int) -> str:
    """The weights of all elements of the image [n, elements, points]."""
    joint, elements = axes[-1], sizes[-1]
    for axis, size in zip(reversed(axes[:-1]), reversed(sizes[:-1]), strict=True):
        outer = writer.reshape(axis, (n, size, 1, points))
        product = writer.op("Mul", outer, writer.reshape(joint, (n, 1, elements, points)))
        elements *= size
        joint = writer.reshape(product, (n, elements, points))
    return joint


def _polynomial(writer: Writer, x: str, coefficients: Sequence[float], dtype: str) -> str:
    """A polynomial by Horner's rule, the highest power first."""
    value = writer.op("Mul", x, writer.constant(coefficients[0], dtype, "coefficient"))
    for place, coefficient in enumerate(coefficients[1:], 1):
        if coefficient:
            value = writer.op("Add", value, writer.constant(coefficient, dtype, "coefficient"))
        if place < len(coefficients) - 1:
            value = writer.op("Mul", value, x)
    return value
