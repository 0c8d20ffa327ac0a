from __future__ import annotations

import numpy as np
import pytest

from rkgraph.graph.rewrite import Refusal
from tests.rules.rewriting import fixed, operators, run

CODE = "RK195"
HEADER = '<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>'
NUMBERS = """float s = {0.05}, uint8 z = {100}, float t = {0.1}, uint8 w = {120}, float u = {0.2}, uint8 v = {90},
    float small = {0.00390625}, uint8 nought = {0}, int8[4, 2] b = {1, -2, 3, 40, -50, 60, 70, 8},
    float[2] bs = {0.1, 0.2}, int8[2] bz = {0, 0}, int32[2] c = {10, -20}"""


def model(body: str, shape: str = "1, 4, 4, 4", out: str = "1, 4, 4, 4") -> str:
    """`body` makes `r`, quantised with u and v, of `a` and `b2`, quantised with s, z and t, w."""
    return f"""{HEADER} g (float[{shape}] x, float[{shape}] y) => (float[{out}] o) <{NUMBERS}>
    {{ a = QuantizeLinear(x, s, z) b2 = QuantizeLinear(y, t, w) {body} o = DequantizeLinear(r, u, v) }}"""


@pytest.mark.parametrize(
    ("body", "shape", "out"),
    [
        ("r = com.microsoft.QLinearAdd(a, s, z, b2, t, w, u, v)", "1, 4, 4, 4", "1, 4, 4, 4"),
        ("r = com.microsoft.QLinearMul(a, s, z, b2, t, w, u, v)", "2, 3, 4", "2, 3, 4"),
        ("r = com.microsoft.QLinearSigmoid(a, s, z, u, v)", "2, 3, 4", "2, 3, 4"),
        ("r = com.microsoft.QLinearLeakyRelu<alpha = 0.1>(a, s, z, u, v)", "2, 3, 4", "2, 3, 4"),
        ("r = com.microsoft.QLinearConcat<axis = 1>(u, v, a, s, z, b2, t, w)", "2, 3, 4", "2, 6, 4"),
        (
            "r = com.microsoft.QLinearAveragePool<kernel_shape = [2, 2], strides = [2, 2]>(a, s, z, u, v)",
            "1, 4, 4, 4",
            "1, 4, 2, 2",
        ),
        ("r = com.microsoft.QLinearGlobalAveragePool(a, s, z, u, v)", "1, 4, 4, 4", "1, 4, 1, 1"),
        ("r = com.microsoft.QGemm(a, s, z, b, bs, bz, c, u, v)", "3, 4", "3, 2"),
        ("r = com.microsoft.QLinearSoftmax<axis = -1, opset = 13>(a, s, z, u, v)", "2, 3, 4", "2, 3, 4"),
    ],
)
def test_results_are_a_step_off_at_most(body: str, shape: str, out: str) -> None:
    text = model(body, shape, out)
    after, _ = fixed(text, CODE)
    assert all(not node.domain for node in after.graph.node)
    size = [int(number) for number in shape.split(",")]
    random = np.random.default_rng(0)
    feeds = {name: random.normal(0, 3, size).astype("f") for name in ("x", "y")}
    old, new = (np.asarray(run(each, feeds)[0], "f8") for each in (text, after))
    assert old.shape == new.shape
    assert np.abs(old - new).max() <= 0.2001


def test_a_gemm_that_ends_in_floats() -> None:
    text = f"""{HEADER} g (float[3, 4] x) => (float[3, 2] r) <{NUMBERS}>
    {{ a = QuantizeLinear(x, s, z) r = com.microsoft.QGemm(a, s, z, b, bs, bz, c) }}"""
    after, _ = fixed(text, CODE)
    assert operators(after)[-1] == "Gemm"
    feeds = {"x": np.random.default_rng(0).normal(0, 3, (3, 4)).astype("f")}
    old, new = (np.asarray(run(each, feeds)[0], "f8") for each in (text, after))
    np.testing.assert_allclose(new, old, rtol=1e-5, atol=1e-5)


def test_weights_stay_quantised() -> None:
    """The compiler makes an int8 layer of weights behind a DequantizeLinear; folded, they would not build."""
    after, _ = fixed(model("r = com.microsoft.QGemm(a, s, z, b, bs, bz, c, u, v)", "3, 4", "3, 2"), CODE, "RK303")
    assert operators(after).count("DequantizeLinear") == 3


def test_channels_last_are_refused() -> None:
    body = "r = com.microsoft.QLinearGlobalAveragePool<channels_last = 1>(a, s, z, u, v)"
    (refusal,) = fixed(model(body, "1, 4, 4, 4", "1, 1, 1, 4"), CODE)[1]
    assert isinstance(refusal, Refusal)
