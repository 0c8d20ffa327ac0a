from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK154"


def model(factor: float, added: float, order: str = "Mul(r, f) t = Add(m, a)") -> str:
    return f"""g (float[1, 2, 8] x) => (float[1, 2, 8] y)
    <float f = {{{factor!r}}}, float a = {{{added!r}}}> {{ r = Abs(x) m = {order} y = Log(t) }}"""


@settings(max_examples=25, deadline=None)
@given(
    factor=st.floats(2.0**14, 2.0**24, width=32),
    added=st.floats(2.0**-6, 1000.0, width=32),
    order=st.sampled_from(["Mul(r, f) t = Add(m, a)", "Mul(f, r) t = Add(a, m)"]),
    exponent=st.integers(-12, 4),
)
def test_the_logarithm_is_the_same(factor: float, added: float, order: str, exponent: int) -> None:
    text = model(factor, added, order)
    after, _ = fixed(text, CODE)
    feeds = {"x": (np.random.default_rng(0).normal(size=(1, 2, 8)) * 2.0**exponent).astype(np.float32)}
    np.testing.assert_allclose(run(after, feeds)[0], run(text, feeds)[0], rtol=1e-5, atol=1e-5)
    assert sorted(operators(after)) == ["Abs", "Add", "Add", "Log", "Mul"]


def test_nothing_overflows_in_fp16_any_more() -> None:
    text = model(2.0**20, 1.0)
    after, _ = fixed(text, CODE)
    numbers = [tensor.float_data[0] if tensor.float_data else np.frombuffer(tensor.raw_data, "f4")[0]
               for tensor in after.graph.initializer]  # fmt: skip
    assert sorted(numbers) == pytest.approx([2.0**-12, math.log(2.0**12), 2.0**8])
    half = np.array([0.0, 1e-3, 0.5, 200.0], np.float16)
    ours = np.log(half * np.float16(2.0**8) + np.float16(2.0**-12)) + np.float16(math.log(2.0**12))
    np.testing.assert_allclose(ours, np.log(half.astype(np.float64) * 2.0**20 + 1), rtol=5e-3, atol=5e-3)


@pytest.mark.parametrize(
    "text",
    [
        model(1000.0, 1.0),
        model(2.0**20, -1.0),
        model(2.0**20, 2.0**-12),
        model(-(2.0**20), 1.0),
        model(2.0**20, 1.0, "Mul(r, f) t = Sub(m, a)"),
        model(2.0**20, 1.0, "Div(r, f) t = Add(m, a)"),
    ],
)
def test_others_are_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()
