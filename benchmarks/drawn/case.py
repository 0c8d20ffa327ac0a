"""What a family draws, and what it draws with."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

__all__ = ["FLOAT", "Array", "Case", "Draw", "Family", "int64", "outputs"]

Array: TypeAlias = npt.NDArray[Any]
T = TypeVar("T")

FLOAT = "float32"


@dataclass(frozen=True)
class Case:
    """One node: its inputs with their values (None where one is left out), and which of them are initializers.

    `outputs` names the outputs in order; "" is one left out.
    """

    op: str
    inputs: Sequence[Array | None]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    opset: int = 17
    constants: Collection[int] = ()
    outputs: Sequence[str] = ("y0",)


@dataclass(frozen=True)
class Draw:
    """Chance, for parameters (`chance`) and for the numbers in tensors (`numbers`)."""

    chance: random.Random
    numbers: np.random.Generator

    @classmethod
    def seeded(cls, key: str) -> Draw:
        """The same draws for the same key, with the same numpy."""
        chance = random.Random(key)  # noqa: S311 - repeatable is what is wanted
        return cls(chance, np.random.default_rng(chance.getrandbits(64)))

    def one(self, options: Sequence[T]) -> T:
        """One of `options`; what stands there twice comes twice as often."""
        return self.chance.choice(options)

    def some(self, options: Sequence[T], least: int = 0) -> list[T]:
        """`least` or more of `options`, in any order."""
        return self.chance.sample(options, self.whole(least, len(options)))

    def whole(self, low: int, high: int) -> int:
        """An integer of low … high, both included."""
        return self.chance.randint(low, high)

    def wholes(self, count: int, low: int, high: int) -> list[int]:
        """`count` integers of low … high, both included."""
        return [self.whole(low, high) for _ in range(count)]

    def maybe(self, probability: float) -> bool:
        """True with this probability."""
        return self.chance.random() < probability

    def shape(self, rank: int, low: int = 1, high: int = 7) -> tuple[int, ...]:
        """`rank` dimensions of low … high."""
        return tuple(self.wholes(rank, low, high))

    def axis(self, rank: int) -> int:
        """An axis of a tensor of `rank` ≥ 1 dimensions, counted from either end."""
        return self.whole(-rank, rank - 1)

    def array(
        self, shape: Sequence[int], dtype: str = FLOAT, low: float | None = None, high: float | None = None
    ) -> Array:
        """Numbers: floats of low … high, normal with deviation 1.5 unless told; integers of low … high - 1.

        Integers are of -100 … 100 (unsigned: 0 … 100) unless told, and never beyond what `dtype` holds.
        """
        kind = np.dtype(dtype).kind
        if kind == "b":
            return self.numbers.integers(0, 2, size=shape).astype(bool)
        if kind == "f":
            if low is None or high is None:
                return np.asarray(self.numbers.normal(size=shape) * 1.5).astype(dtype)
            return np.asarray(self.numbers.uniform(low, high, size=shape)).astype(dtype)
        held = np.iinfo(dtype)
        least = max(-100 if low is None else int(low), int(held.min))
        most = min(101 if high is None else int(high), int(held.max) + 1)
        return np.asarray(self.numbers.integers(least, most, size=shape)).astype(dtype)

    def broadcast(self, shape: Sequence[int], dtype: str, low: float | None = None, high: float | None = None) -> Array:
        """As `array`, in half of the draws of the last dimension alone."""
        return self.array(shape if self.maybe(0.5) else shape[-1:], dtype, low, high)

    def second_constant(self, probability: float) -> list[int]:
        """[1] with this probability, else []: the second input as an initializer."""
        return [1] if self.maybe(probability) else []


Family: TypeAlias = Callable[[Draw], Case]


def int64(*values: int) -> Array:
    """A vector of int64: shapes, axes, counts."""
    return np.array(values, np.int64)


def outputs(count: int) -> tuple[str, ...]:
    """The names of `count` outputs."""
    return tuple(f"y{index}" for index in range(count))
