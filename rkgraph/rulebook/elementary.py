"""Elementary functions written with the operators that the NPU has, in forms that fp16 bears.

Each function takes values of a float dtype and records nodes; none overflows in fp16 where its result does not, and
none subtracts numbers that are nearly equal. Domains need no test: what lies outside comes out as NaN or an infinity,
as it does in the operator itself.

Polynomials are minimax in relative error, fitted by linear programming on 2,001 Chebyshev points; their errors hold in
exact arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import asinh, atanh, log, pi

from rkgraph.rulebook.writer import Writer

__all__ = ["ERRORS", "Elementary"]

# f(t) ≈ t · (c0 + c1·t² + c2·t⁴ + …)
_ATAN = (0.999995636, -0.332994189, 0.195632635, -0.12123053, 0.0574682209, -0.0134770373)  # |t| ≤ 1
_ASINH = (0.999998934, -0.166582104, 0.0739047204, -0.0392326276, 0.0171453221, -0.00386159714)  # |t| ≤ 1
_ATANH = (1.00000033, 0.333266515, 0.202036972, 0.121602894, 0.196510922)  # |t| ≤ 1/2

ERRORS = {"Atan": 4.4e-6, "Asin": 4.4e-6, "Acos": 4.4e-6, "Asinh": 1.1e-6, "Acosh": 1.1e-6, "Atanh": 3.3e-7}
"""The largest relative error of each approximation (for Acos: of π/2 near zero), before rounding."""

_STEEP = 65504.0
"""The largest fp16 number: what passes a bound by more than 1/65504 counts as beyond it, which is less than fp16's
spacing wherever a bound lies here."""


@dataclass(frozen=True)
class _Parts:
    """A value x at a bound b > 0: `inside` is x cut to ±b, `size` is max(|x|, b), `beyond` 1 or −1 outside, else 0."""

    inside: str
    size: str
    beyond: str


class Elementary:
    """Records functions of values of numpy dtype `dtype` on the tape of a writer."""

    def __init__(self, write: Writer, dtype: str) -> None:
        self.write = write
        self.dtype = dtype

    def add(self, x: str, number: float) -> str:
        """The sum x + number."""
        return self.write.op("Add", x, self._number(number))

    def mul(self, x: str, number: float) -> str:
        """The product x · number."""
        return self.write.op("Mul", x, self._number(number))

    def neg(self, x: str) -> str:
        """−x."""
        return self.write.op("Neg", x)

    def sign(self, x: str) -> str:
        """−1, 0 or 1: exact where x is 0 or |x| ≥ 2.4e-10, so for every fp16 number (the smallest is 6e-8)."""
        once = self.write.clip(self.mul(x, _STEEP), self.dtype, -1.0, 1.0)
        return self.write.clip(self.mul(once, _STEEP), self.dtype, -1.0, 1.0)

    def tan(self, x: str) -> str:
        """Of sine and cosine the quotient."""
        return self.write.op("Div", self.write.op("Sin", x), self.write.op("Cos", x))

    def cosh(self, x: str) -> str:
        """The sum e^|x|/2 + e^-|x|/2.

        The first is a square, since e^|x| overflows before half of it does; the second is never more than the first,
        so that the absolute accuracy of Elu is enough for it.
        """
        size = self.write.op("Abs", x)
        root = self.write.op("Exp", self.mul(size, 0.5))
        grows = self.write.op("Mul", self.mul(root, 0.5), root)
        falls = self.add(self.write.op("Elu", self.neg(size), alpha=0.5), 0.5)
        return self.write.op("Add", grows, falls)

    def sinh(self, x: str) -> str:
        """The product tanh x · cosh x: no difference of exponentials, so that small x lose nothing."""
        return self.write.op("Mul", self.write.op("Tanh", x), self.cosh(x))

    def atan(self, x: str) -> str:
        """A polynomial of x or, beyond ±1, ±π/2 − the same polynomial of 1/x."""
        parts = self._cut(x, 1.0)
        arc = self._odd(_ATAN, self.write.op("Div", parts.inside, parts.size))
        turn = self.add(self.mul(self.write.op("Abs", parts.beyond), -2.0), 1.0)  # 1 within ±1, −1 beyond
        return self.write.op("Add", self.write.op("Mul", arc, turn), self.mul(parts.beyond, pi / 2))

    def asin(self, x: str) -> str:
        """2·atan(x / (1 + √(1 − x²))), whose argument never leaves ±1."""
        root = self.write.op("Sqrt", self.write.op("Mul", self._one_minus(x), self.add(x, 1.0)))
        return self.mul(self._odd(_ATAN, self.write.op("Div", x, self.add(root, 1.0))), 2.0)

    def acos(self, x: str) -> str:
        """2·atan √((1 − |x|)/(1 + |x|)), taken from π where x < 0: accurate as it goes to 0."""
        size = self.write.op("Abs", x)
        tangent = self.write.op("Sqrt", self.write.op("Div", self._one_minus(size), self.add(size, 1.0)))
        arc = self.mul(self._odd(_ATAN, tangent), 2.0)
        below = self.write.clip(self.mul(x, -_STEEP), self.dtype, 0.0, 1.0)
        return self.write.op("Add", arc, self.write.op("Mul", below, self.add(self.mul(arc, -2.0), pi)))

    def asinh(self, x: str) -> str:
        """A polynomial of x within ±1; beyond, log(|x| + √(1 + x²)) with √(1 + x²) = |x|·√(1 + 1/x²)."""
        parts = self._cut(x, 1.0)
        ratio = self.write.op("Div", parts.inside, parts.size)
        root = self.write.op("Sqrt", self.add(self.write.op("Mul", ratio, ratio), 1.0))
        half_sum = self.write.op("Mul", parts.size, self.mul(self.add(root, 1.0), 0.5))
        return self._joined(_ASINH, parts, self.add(self.write.op("Log", half_sum), log(2) - asinh(1.0)))

    def acosh(self, x: str) -> str:
        """2·asinh √((x − 1)/2), of which the argument stays below 182 in fp16."""
        root = self.write.op("Sqrt", self.mul(self.add(x, -1.0), 0.5))
        parts = self._cut(root, 1.0)
        square = self.write.op("Mul", parts.size, parts.size)
        total = self.write.op("Add", parts.size, self.write.op("Sqrt", self.add(square, 1.0)))
        return self.mul(self._joined(_ASINH, parts, self.add(self.write.op("Log", total), -asinh(1.0))), 2.0)

    def atanh(self, x: str) -> str:
        """A polynomial of x within ±1/2; beyond, half the log of (1 + |x|)/(1 − |x|)."""
        parts = self._cut(x, 0.5)
        quotient = self.write.op("Div", self.add(parts.size, 1.0), self._one_minus(parts.size))
        beyond = self.add(self.mul(self.write.op("Log", quotient), 0.5), -atanh(0.5))
        return self._joined(_ATANH, parts, beyond)

    def _cut(self, x: str, bound: float) -> _Parts:
        """Cut x at ±bound, which is no more than 1, and say what lies beyond.

        That is Relu(|x| − bound), which is 0 within however |x| is rounded.

        x − inside would not be: an input of the model in float32 may reach one of two readers as it is, and the other
        rounded to fp16, and a multiple of what is left between them is no number of 0 and ±1.
        """
        inside = self.write.clip(x, self.dtype, -bound, bound)
        excess = self.write.op("Relu", self.add(self.write.op("Abs", x), -bound))
        signed = self.write.op("Mul", self.mul(excess, _STEEP), inside)
        return _Parts(inside, self.add(excess, bound), self.write.clip(signed, self.dtype, -1.0, 1.0))

    def _joined(self, polynomial: Sequence[float], parts: _Parts, beyond: str) -> str:
        """The odd polynomial as far as the bound, and on top of it `beyond`, which is 0 there, with the sign of x."""
        return self.write.op("Add", self._odd(polynomial, parts.inside), self.write.op("Mul", parts.beyond, beyond))

    def _odd(self, coefficients: Sequence[float], t: str) -> str:
        square = self.write.op("Mul", t, t)
        total = self.mul(square, coefficients[-1])
        for coefficient in coefficients[-2:0:-1]:
            total = self.write.op("Mul", self.add(total, coefficient), square)
        return self.write.op("Mul", self.add(total, coefficients[0]), t)

    def _one_minus(self, x: str) -> str:
        return self.add(self.neg(x), 1.0)  # a constant as the first operand of Sub runs on the CPU

    def _number(self, number: float) -> str:
        return self.write.constant(number, self.dtype)
