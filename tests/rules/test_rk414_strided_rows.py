from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK414"


def model(
    start: int = 1, end: int = 8, step: int = 2, axis: int = 3, first: str = "Slice(x, zero, eight, last)"
) -> str:
    kept = len(range(8)[start:end:step])
    shape = {3: f"2, 4, 8, {kept}", 2: f"2, 4, {kept}, 8"}[axis]
    return f"""g (float[2, 4, 8, 16] x) => (float[{shape}] y)
    <int64[1] zero = {{0}}, int64[1] eight = {{8}}, int64[1] last = {{3}}, int64[1] s = {{{start}}},
     int64[1] e = {{{end}}}, int64[1] a = {{{axis}}}, int64[1] t = {{{step}}}>
    {{ p = {first} q = Slice(p, s, e, a, t) y = Sigmoid(q) }}"""


@settings(max_examples=25, deadline=None)
@given(start=st.integers(0, 6), step=st.integers(2, 4))
def test_the_same_elements_are_picked(start: int, step: int) -> None:
    text = model(start, 8, step)
    after, _ = fixed(text, CODE)
    feeds = {"x": np.random.default_rng(0).normal(size=(2, 4, 8, 16)).astype(np.float32)}
    np.testing.assert_array_equal(run(after, feeds)[0], run(text, feeds)[0])
    if diagnostics(text, CODE):
        assert operators(after) == ["Slice", "MatMul", "Sigmoid"]


def test_every_second_is_found_and_left_to_no_other_rule() -> None:
    assert len(diagnostics(model(), CODE)) == 1
    assert diagnostics(model(), "RK163") == ()


@pytest.mark.parametrize("text", [model(step=1), model(axis=2)])
def test_others_are_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()


def test_rows_that_no_slice_made_are_left_to_the_gather() -> None:
    text = model(first="Relu(x)").replace("float[2, 4, 8, 16] x", "float[2, 4, 8, 8] x")
    assert diagnostics(text, CODE) == ()
