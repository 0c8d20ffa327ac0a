from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK188"
WHOLE = """g (float[3, 4] x) => (uint8[3, 4] q, float scale, uint8 zero)
{ q, scale, zero = DynamicQuantizeLinear(x) }"""


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), spread=st.sampled_from([0.0, 1e-3, 1.0, 1e4]), shift=st.sampled_from([-2.0, 0.0, 3.0]))
def test_numbers_scale_and_zero_point_are_the_same(seed: int, spread: float, shift: float) -> None:
    x = (np.random.default_rng(seed).normal(0, 1, (3, 4)) + shift) * spread
    after, _ = fixed(WHOLE, CODE)
    assert "DynamicQuantizeLinear" not in operators(after)
    feeds = {"x": x.astype("f")}
    old, new = run(WHOLE, feeds), run(after, feeds)
    assert np.abs(np.asarray(old[0], "f8") - np.asarray(new[0], "f8")).max() <= (0 if spread in (0.0, 1.0) else 1)
    np.testing.assert_allclose(np.asarray(new[1], "f8"), np.asarray(old[1], "f8"), rtol=1e-6)
    np.testing.assert_array_equal(np.asarray(new[2], "f8"), np.asarray(old[2], "f8"))


@pytest.mark.parametrize("opset", [11, 13, 18])
def test_every_spelling(opset: int) -> None:
    text = f'<ir_version: 8, opset_import: ["" : {opset}]> {WHOLE}'
    feeds = {"x": np.linspace(-1, 4, 12).reshape(3, 4).astype("f")}
    for old, new in zip(run(text, feeds), run(fixed(text, CODE)[0], feeds), strict=True):
        np.testing.assert_allclose(np.asarray(new, "f8"), np.asarray(old, "f8"), rtol=1e-6)


def test_what_is_multiplied_is_left_to_the_product() -> None:
    text = """g (float[2, 3] x) => (int32[2, 2] y) <int8[3, 2] w = {1, -2, 3, 4, -5, 6}>
    { q, s, z = DynamicQuantizeLinear(x) y = MatMulInteger(q, w, z) }"""
    assert diagnostics(text, CODE) == ()
