from __future__ import annotations

import pytest

from tests.rules.harness import diagnostics, troubles_of

CODE = "RK241"
SQUARE = """g (float[1, 4, 8, 8] x) => (float[1, 4, 8, 8] y) <float large = {1000000}> {
    square = Mul(x, x)
    y = Mul(square, large)
}"""


def test_the_first_node_is_named() -> None:
    (found,) = diagnostics(SQUARE, CODE, samples=1e-4)
    assert found.at.value == "square"
    assert diagnostics(SQUARE, "RK242", samples=1e-4) == ()


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_what_fp16_holds_is_not_found(scale: float) -> None:
    assert diagnostics(SQUARE, CODE, samples=scale) == ()


def test_some_small_numbers_beside_large_ones_are_no_underflow() -> None:
    text = """g (float[1, 8] x, float[1, 8] z) => (float[1, 16] y) {
        a = Mul(x, x) b = Mul(a, a) c = Relu(z) y = Concat<axis = 1>(b, c)
    }"""
    assert [t.value for t in troubles_of(text, 0.05) if t.kind == "underflow"] == []


def test_zeros_are_no_underflow() -> None:
    text = "g (float[1, 8] x) => (float[1, 8] y) <float zero = {0}> { a = Mul(x, zero) y = Relu(a) }"
    assert troubles_of(text, 1.0) == ()
