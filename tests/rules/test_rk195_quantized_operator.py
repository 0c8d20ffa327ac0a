from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from rkgraph.analysis.evaluator import Evaluator
from rkgraph.graph.rewrite import Refusal
from tests.rules.microsoft_models import microsoft
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


@settings(max_examples=25, deadline=None)
@given(
    dtype=st.sampled_from(["uint8", "int8"]),
    zeros=st.tuples(st.integers(0, 120), st.integers(0, 120), st.integers(0, 120)),
    shapes=st.sampled_from([((2, 3), (2, 3), (2, 3)), ((2, 1), (1, 3), (2, 3)), ((3,), (2, 3), (1, 1))]),
)
def test_a_choice_of_quantised_numbers(
    dtype: str, zeros: tuple[int, int, int], shapes: tuple[tuple[int, ...], ...]
) -> None:
    random, low = np.random.default_rng(sum(zeros)), np.iinfo(dtype).min
    feeds = {
        "c": random.integers(0, 2, shapes[0]).astype(bool),
        **{
            name: random.integers(low, low + 256, shape).astype(dtype)
            for name, shape in zip("xy", shapes[1:], strict=True)
        },
    }
    scales = {name: np.array(scale, "f") for name, scale in (("xs", 0.05), ("ys", 0.1), ("rs", 0.07))}
    constants = scales | {name: np.array(zero, dtype) for name, zero in zip(("xz", "yz", "rz"), zeros, strict=True)}
    inputs = ["c", "x", "xs", "xz", "y", "ys", "yz", "rs", "rz"]
    made = microsoft("QLinearWhere", inputs, {"r": (2, 3)}, fed=feeds, constants=constants)
    made.graph.output[0].type.tensor_type.elem_type = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    after, _ = fixed(made, CODE)
    assert all(not node.domain for node in after.graph.node)
    (old,), (new,) = run(made, feeds), run(after, feeds)
    assert np.abs(old.astype(int) - new.astype(int)).max() <= 1


@settings(max_examples=25, deadline=None)
@given(
    dtype=st.sampled_from(["uint8", "int8"]),
    axes=st.sampled_from([(1,), (-1, 1), (0, 1, 2), (3, -2), None]),
    keep=st.booleans(),
    zeros=st.tuples(st.integers(0, 120), st.integers(0, 120)),
    opset=st.sampled_from([13, 17, 18]),
)
def test_a_mean_of_quantised_numbers(
    dtype: str, axes: tuple[int, ...] | None, keep: bool, zeros: tuple[int, int], opset: int
) -> None:
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    feeds = {"x": np.random.default_rng(zeros[0]).integers(low, high + 1, (2, 3, 4, 2)).astype(dtype)}
    constants = {"xs": np.array(0.05, "f"), "rs": np.array(0.03, "f")}
    constants |= {name: np.array(zero, dtype) for name, zero in zip(("xz", "rz"), zeros, strict=True)}
    real = ((feeds["x"].astype("f8") - zeros[0]) * 0.05).mean(axes, keepdims=keep)
    wanted = np.clip(np.rint(real / 0.03) + zeros[1], low, high)
    attributes = {"keepdims": int(keep)} | ({"axes": list(axes)} if axes else {})
    made = microsoft(
        "QLinearReduceMean", ["x", "xs", "xz", "rs", "rz"], {"r": wanted.shape}, fed=feeds, constants=constants,
        opset=opset, **attributes,
    )  # fmt: skip
    made.graph.output[0].type.tensor_type.elem_type = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    after, _ = fixed(made, CODE)
    assert all(not node.domain for node in after.graph.node)
    (new,), defined = run(after, feeds), Evaluator(made).run(feeds)["r"]
    assert new.shape == wanted.shape == defined.shape
    assert np.abs(new.astype(int) - wanted).max(initial=0) <= 1
    assert np.abs(defined.astype(int) - wanted).max(initial=0) <= 1


def test_axes_that_there_are_not_are_refused() -> None:
    body = "r = com.microsoft.QLinearReduceMean<axes = [7], keepdims = 1>(a, s, z, u, v)"
    (refusal,) = fixed(model(body), CODE)[1]
    assert isinstance(refusal, Refusal)
    assert "[7]" in refusal.reason
