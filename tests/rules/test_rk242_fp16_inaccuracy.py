from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.harness import diagnostics, troubles_of

CODE = "RK242"


def cancelled(offset: float) -> str:
    return f"""g (float[1, 4, 8, 8] x) => (float[1, 4, 8, 8] y) <float offset = {{{offset}}}> {{
        high = Add(x, offset)
        size = Abs(high)
        y = Sub(size, offset)
    }}"""


@pytest.mark.parametrize(("offset", "count"), [(4000, 1), (4, 0), (0.5, 0)])
def test_a_difference_of_numbers_that_are_nearly_equal(offset: float, count: int) -> None:
    found = diagnostics(cancelled(offset), CODE, samples=1.0)
    assert [d.at.value for d in found] == ["y"] * count


def test_nodes_that_read_it_are_not_told_again() -> None:
    text = cancelled(4000).replace("y = Sub(size, offset)", "d = Sub(size, offset) e = Relu(d) y = Mul(e, e)")
    assert [d.at.value for d in diagnostics(text, CODE, samples=1.0)] == ["d"]


def test_sums_with_numbers_in_a_row_are_one() -> None:
    text = cancelled(4000).replace("size = Abs(high)", "size = Add(high, offset)")
    assert diagnostics(text, CODE, samples=1.0) == ()


def half(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float16).astype(np.float32)


@settings(max_examples=15, deadline=None)
@given(st.floats(1, 60000, width=32))
def test_the_error_told_is_that_of_numpy(offset: float) -> None:
    found = [t for t in troubles_of(cancelled(offset), 1.0, count=1) if t.kind == "accuracy"]
    x = np.random.default_rng(0).normal(size=(1, 4, 8, 8)).astype(np.float32)
    constant = np.float32(np.float16(offset))
    exact = np.abs(x + np.float32(offset)) - np.float32(offset)
    rounded = half(np.abs(half(half(x) + constant)) - constant)
    error = np.linalg.norm(rounded - exact) / np.linalg.norm(exact)
    assert len(found) == (error > 0.01)
    if found:
        np.testing.assert_allclose(found[0].error, error, rtol=1e-3)


def test_matrix_products_are_accurate_enough() -> None:
    text = (
        """g (float[1, 64] x) => (float[1, 64] y) <float[64, 64] w = {"""
        + ", ".join(["0.1"] * 4096)
        + """}> {
        y = MatMul(x, w)
    }"""
    )
    assert troubles_of(text, 1.0) == ()
