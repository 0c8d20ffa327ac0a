from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.harness import diagnostics
from tests.rules.lowered import assert_lowered, one_node, refusal_of

CODE = "RK162"


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.integers(1, 4), min_size=2, max_size=6), st.integers(-5, 5) | st.none(), st.sampled_from([0, 1, None])
)
def test_the_same_elements_are_kept(shape: list[int], k: int | None, upper: int | None) -> None:
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    x.flat[0], x.flat[-1] = np.inf, np.nan
    held = {} if k is None else {"k": np.array(k, np.int64)}
    model = one_node("Trilu", {"x": x}, {} if upper is None else {"upper": upper}, constants=held)
    assert "Where" in assert_lowered(model, CODE, {"x": x}, gone="Trilu", rtol=0, atol=0)


@pytest.mark.parametrize(("dtype", "by"), [("int64", "Where"), ("bool", "And"), ("float64", "Where")])
def test_other_dtypes(dtype: str, by: str) -> None:
    x = (np.arange(24).reshape(2, 3, 4) % 5 - 2).astype(dtype)
    model = one_node("Trilu", {"x": x}, {"upper": 0})
    assert assert_lowered(model, CODE, {"x": x}, gone="Trilu", rtol=0, atol=0) == [by]


def test_a_computed_diagonal_is_refused() -> None:
    x, k = np.zeros((2, 3), np.float32), np.array([0], np.int64)
    assert "k is not a small constant" in refusal_of(one_node("Trilu", {"x": x, "k": k}), CODE)


def test_a_mask_too_large_is_refused() -> None:
    x = np.zeros((1, 3000, 3000), np.float32)
    assert "more than" in refusal_of(one_node("Trilu", {"x": x}), CODE)


def test_constants_are_left_to_folding() -> None:
    ones = np.ones((3, 3), np.float32)
    assert diagnostics(one_node("Trilu", {}, constants={"x": ones}), CODE) == ()
