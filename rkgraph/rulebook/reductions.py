"""Reductions written with those that the compiler has: over one axis in the middle, by halves, or in a stable form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rkgraph.rulebook.known import LARGEST_OF, NotKnown
from rkgraph.rulebook.writer import Writer

__all__ = ["LARGEST_PRODUCT", "Reduction", "log_sum_exp", "middle_axes", "product"]

PLAIN_RANK = 4
"""Reductions of values up to this rank build over whatever axes; above, some of the last axis do not."""

LARGEST_PRODUCT = 65536
"""Longest product that is unrolled: 17 levels of two or three nodes."""

MANY_TERMS = 16384
"""A sum of so many exponentials of up to 1 nears the largest fp16 number, 65504."""


@dataclass(frozen=True)
class Reduction:
    """A reduction of a value of static shape over sorted axes that count from the front."""

    shape: tuple[int, ...]
    axes: tuple[int, ...]
    keepdims: bool

    @property
    def kept(self) -> tuple[int, ...]:
        """The shape of the result with dimensions of 1 where it was reduced."""
        return tuple(1 if axis in self.axes else size for axis, size in enumerate(self.shape))

    @property
    def result(self) -> tuple[int, ...]:
        """The shape of the result."""
        if self.keepdims:
            return self.kept
        return tuple(size for axis, size in enumerate(self.shape) if axis not in self.axes)

    @property
    def count(self) -> int:
        """How many elements go into one of the result."""
        return math.prod(self.shape[axis] for axis in self.axes)

    @property
    def collapsed(self) -> Reduction:
        """The same reduction of fewer dimensions: neighbours that are both reduced, or both kept, are one."""
        sizes: list[int] = []
        axes: list[int] = []
        before: bool | None = None
        for axis, size in enumerate(self.shape):
            reduced = axis in self.axes
            if reduced is before:
                sizes[-1] *= size
            else:
                axes += [len(sizes)] if reduced else []
                sizes.append(size)
            before = reduced
        return Reduction(tuple(sizes), tuple(axes), keepdims=True)

    def write(self, write: Writer, op: str, x: str) -> str:
        """`x` reduced by `op`: as it is at low rank, else over one run of adjacent axes after the other.

        `op` must be one that can be applied in steps: ReduceSum, ReduceMean, ReduceMax, ReduceMin.
        """
        if len(self.shape) <= PLAIN_RANK:
            return write.reduce(op, x, self.axes, keepdims=self.keepdims)
        for flat in middle_axes(self.shape, self.axes):
            x = write.reduce(op, write.reshape(x, flat), (1,))
        return write.reshape(x, self.result)


def middle_axes(shape: Sequence[int], axes: Sequence[int]) -> list[tuple[int, int, int]]:
    """The shapes (before, reduced, behind) in which one run of adjacent axes after the other is the middle one."""
    sizes = list(shape)
    flat = []
    axis = 0
    while axis < len(sizes):
        if axis not in axes:
            axis += 1
            continue
        end = axis
        while end < len(sizes) and end in axes:
            end += 1
        flat.append((math.prod(sizes[:axis]), math.prod(sizes[axis:end]), math.prod(sizes[end:])))
        sizes[axis:end] = [1] * (end - axis)
        axis = end
    return flat


def product(write: Writer, x: str, reduction: Reduction) -> str:
    """The product over the axes, by halves: as many levels as the logarithm of their size to base 2.

    Raises:
        NotKnown: it is longer than `LARGEST_PRODUCT`.
    """
    if reduction.count > LARGEST_PRODUCT:
        raise NotKnown(f"a product of {reduction.count} numbers is too long to be written out")
    for flat in middle_axes(reduction.shape, reduction.axes):
        x = _product_of_middle(write, write.reshape(x, flat), flat[1])
    return write.reshape(x, reduction.result)


def _product_of_middle(write: Writer, x: str, size: int) -> str:
    odd_ones: list[str] = []
    while size > 1:
        half, odd = divmod(size, 2)
        first, second, *rest = write.split(x, 1, [half, half, *([1] if odd else [])])
        odd_ones += rest
        x, size = write.op("Mul", first, second), half
    for one in odd_ones:
        x = write.op("Mul", x, one)
    return x


def log_sum_exp(write: Writer, x: str, dtype: str, reduction: Reduction) -> str:
    """The logarithm of the sum of exponentials, as max + log Σ exp(x − max): nothing overflows, in fp16 either.

    The largest number is kept finite, so that rows of -inf stay -inf. Where there are many terms, half the logarithm of
    their number is taken out of each exponent, so that the sum stays within fp16, too (Blanchard, Higham and Higham,
    Accurately computing the log-sum-exp and softmax functions, 2021).
    """
    over = Reduction(reduction.shape, reduction.axes, keepdims=True)
    limit = LARGEST_OF[dtype] / (1 if dtype == "float16" else 2)  # any finite number beyond those that occur
    largest = write.clip(over.write(write, "ReduceMax", x), dtype, -limit, limit)
    if reduction.count > MANY_TERMS:
        largest = write.op("Add", largest, write.constant(math.log(reduction.count) / 2, dtype, "spread"))
    terms = write.op("Exp", write.op("Sub", x, largest))
    logarithm = write.op("Log", over.write(write, "ReduceSum", terms))
    result = write.op("Add", logarithm, largest)
    return result if reduction.keepdims else write.reshape(result, reduction.result)
