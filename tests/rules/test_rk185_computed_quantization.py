from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.graph.rewrite import Refusal
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK185"


@settings(max_examples=25, deadline=None)
@given(
    dtype=st.sampled_from(["uint8", "int8"]),
    count=st.sampled_from([1, 3]),
    axis=st.sampled_from([1, -2]),
    zero=st.booleans(),
    seed=st.integers(0, 99),
)
def test_computed_scales_are_arithmetic(dtype: str, count: int, axis: int, zero: bool, seed: int) -> None:
    """`axis` names the same dimension in both ways of counting."""
    if not zero:
        dtype = "uint8"
    given = f", {dtype}[{count}] zero" if zero else ""
    text = f"""g (float[2, 3, 4] x, float[{count}] scale{given}) => ({dtype}[2, 3, 4] q, float[2, 3, 4] y)
    {{ q = QuantizeLinear<axis = {axis}>(x, scale{", zero" if zero else ""})
       y = DequantizeLinear<axis = {axis}>(q, scale{", zero" if zero else ""}) }}"""
    after, _ = fixed(text, CODE)
    assert not {"QuantizeLinear", "DequantizeLinear"} & set(operators(after))
    random = np.random.default_rng(seed)
    feeds = {"x": random.normal(0, 20, (2, 3, 4)).astype("f"), "scale": random.uniform(0.05, 0.3, count).astype("f")}
    if zero:
        feeds["zero"] = random.integers(0, 127, count).astype(dtype)
    for old, new in zip(run(text, feeds), run(after, feeds), strict=True):
        np.testing.assert_allclose(np.asarray(new, "f8"), np.asarray(old, "f8"), rtol=1e-6)


def test_half_is_rounded_to_even() -> None:
    text = "g (float[6] x, float scale) => (uint8[6] q) <uint8 z = {0}> { q = QuantizeLinear(x, scale, z) }"
    feeds = {"x": np.array([0.5, 1.5, 2.5, 3.5, -9, 999], "f"), "scale": np.array(1, "f")}
    assert np.asarray(run(fixed(text, CODE)[0], feeds)[0]).tolist() == [0, 2, 2, 4, 0, 255]


@pytest.mark.parametrize("scale", ["float scale = {0.1}", "float[4] scale = {0.1, 0.2, 0.3, 0.4}"])
def test_a_missing_zero_point_is_added(scale: str) -> None:
    text = f"""g (float[1, 4] x) => (float[1, 4] y) <{scale}>
    {{ q = QuantizeLinear(x, scale) y = DequantizeLinear(q, scale) }}"""
    after, _ = fixed(text, CODE)
    assert [len(node.input) for node in after.graph.node] == [3, 3]
    feeds = {"x": np.array([[1, -1, 0.15, 99]], "f")}
    np.testing.assert_array_equal(np.asarray(run(after, feeds)[0], "f"), np.asarray(run(text, feeds)[0], "f"))


def test_blocks_and_float8_are_refused() -> None:
    header = '<ir_version: 10, opset_import: ["" : 21]>'
    blocks = f"""{header} g (int8[2, 4] x, float[2, 2] s) => (float[2, 4] y)
    {{ y = DequantizeLinear<axis = 1, block_size = 2>(x, s) }}"""
    (refusal,) = fixed(blocks, CODE)[1]
    assert isinstance(refusal, Refusal)
    float8 = f"{header} g (float8e4m3fn[2] x, float s) => (float[2] y) {{ y = DequantizeLinear(x, s) }}"
    (refusal,) = fixed(float8, CODE)[1]
    assert isinstance(refusal, Refusal)
    assert "no whole number" in refusal.reason


def test_constant_scales_with_a_zero_point_are_left_alone() -> None:
    text = """g (float[1, 4] x) => (float[1, 4] y) <float s = {0.1}, uint8 z = {3}>
    { q = QuantizeLinear(x, s, z) y = DequantizeLinear(q, s, z) }"""
    assert diagnostics(text, CODE) == ()


def test_weights_without_a_zero_point_get_one() -> None:
    text = """g (float[1, 4] x) => (float[1, 2] y)
    <int8[4, 2] w = {1, 2, 3, 4, 5, 6, 7, 8}, float[2] scale = {0.05, 0.1}>
    { d = DequantizeLinear<axis = 1>(w, scale) y = MatMul(x, d) }"""
    after, _ = fixed(text, CODE)
    assert [len(node.input) for node in after.graph.node] == [3, 2]
    feeds = {"x": np.array([[1, -1, 0.15, 99]], "f")}
    np.testing.assert_array_equal(np.asarray(run(after, feeds)[0], "f"), np.asarray(run(text, feeds)[0], "f"))
