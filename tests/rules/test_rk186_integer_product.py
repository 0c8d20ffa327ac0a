from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.graph.rewrite import Rewrite, SetOpset
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK186"


def numbers(count: int, dtype: str, seed: int) -> str:
    info = np.iinfo(dtype)
    return ", ".join(map(str, np.random.default_rng(seed).integers(info.min, info.max + 1, count)))


def assert_same(text: str, feeds: dict[str, object], *, within: float = 0.0) -> None:
    after, _ = fixed(text, CODE)
    assert not {"MatMulInteger", "ConvInteger", "QLinearMatMul", "QLinearConv"} & set(operators(after))
    old, new = (np.asarray(run(model, feeds)[0], "f8") for model in (text, after))  # type: ignore[arg-type]
    assert old.shape == new.shape
    assert np.abs(new - old).max() <= within


@settings(max_examples=25, deadline=None)
@given(
    a=st.sampled_from(["uint8", "int8"]),
    b=st.sampled_from(["uint8", "int8"]),
    zeros=st.sampled_from(["", ", a0", ', "", b0', ", a0, b0", ", a0, b_each"]),
    seed=st.integers(0, 99),
)
def test_integer_matrix_products_are_exact(a: str, b: str, zeros: str, seed: int) -> None:
    if a == "int8" and b == "uint8":
        b = "int8"  # ONNX Runtime has no such kernel
    text = f"""g ({a}[2, 3, 5] x) => (int32[2, 3, 4] y)
    <{b}[5, 4] w = {{{numbers(20, b, seed)}}}, {a} a0 = {{7}}, {b} b0 = {{3}}, {b}[4] b_each = {{1, 2, 3, 4}}>
    {{ y = MatMulInteger(x, w{zeros}) }}"""
    info = np.iinfo(a)
    assert_same(text, {"x": np.random.default_rng(seed).integers(info.min, info.max + 1, (2, 3, 5)).astype(a)})


@settings(max_examples=15, deadline=None)
@given(
    pads=st.integers(0, 1),
    stride=st.integers(1, 2),
    zeros=st.sampled_from(["", ", x0", ", x0, w0"]),
    seed=st.integers(0, 99),
)
def test_integer_convolutions_are_exact(pads: int, stride: int, zeros: str, seed: int) -> None:
    size = (5 + 2 * pads - 3) // stride + 1
    text = f"""g (uint8[1, 2, 5, 5] x) => (int32[1, 3, {size}, {size}] y)
    <uint8[3, 2, 3, 3] w = {{{numbers(54, "uint8", seed)}}}, uint8 x0 = {{7}}, uint8 w0 = {{3}}>
    {{ y = ConvInteger<pads = [{pads}, {pads}, {pads}, {pads}], strides = [{stride}, {stride}]>(x, w{zeros}) }}"""
    assert_same(text, {"x": np.random.default_rng(seed).integers(0, 256, (1, 2, 5, 5)).astype("uint8")})


@settings(max_examples=15, deadline=None)
@given(bias=st.booleans(), each=st.booleans(), computed=st.booleans(), seed=st.integers(0, 99))
def test_quantised_convolutions_are_a_step_off_at_most(bias: bool, each: bool, computed: bool, seed: int) -> None:
    scale = "float[3] ws = {0.01, 0.02, 0.005}" if each else "float ws = {0.01}"
    zero = "int8[3] wz = {0, 0, 0}" if each else "int8 wz = {0}"
    x_scale = ("float[1] xs, ", "") if computed else ("", "float xs = {0.05}, ")
    text = f"""g ({x_scale[0]}uint8[1, 2, 5, 5] x) => (uint8[1, 3, 3, 3] y)
    <{x_scale[1]}uint8 xz = {{100}}, int8[3, 2, 3, 3] w = {{{numbers(54, "int8", seed)}}}, {scale}, {zero},
     float ys = {{0.5}}, uint8 yz = {{128}}, int32[3] b = {{100, -50, 2000}}>
    {{ y = QLinearConv(x, xs, xz, w, ws, wz, ys, yz{", b" if bias else ""}) }}"""
    feeds = {"x": np.random.default_rng(seed).integers(0, 256, (1, 2, 5, 5)).astype("uint8")}
    if computed:
        feeds["xs"] = np.array([0.05], "f")
    assert_same(text, feeds, within=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("b_scale", ["float bs = {0.02}", "float[4] bs = {0.02, 0.01, 0.03, 0.005}"])
def test_quantised_matrix_products(b_scale: str) -> None:
    count = 4 if "[4]" in b_scale else 1
    zero = f"uint8[{count}] bz = {{{', '.join(['128'] * count)}}}" if count > 1 else "uint8 bz = {128}"
    text = f"""g (uint8[3, 5] a) => (uint8[3, 4] y)
    <float as = {{0.1}}, uint8 az = {{120}}, uint8[5, 4] b = {{{numbers(20, "uint8", 1)}}}, {b_scale}, {zero},
     float ys = {{0.4}}, uint8 yz = {{100}}>
    {{ y = QLinearMatMul(a, as, az, b, bs, bz, ys, yz) }}"""
    assert_same(text, {"a": np.random.default_rng(0).integers(0, 256, (3, 5)).astype("uint8")}, within=1)


def test_an_old_model_is_raised_to_the_opset_of_round() -> None:
    text = """<ir_version: 5, opset_import: ["" : 10]>
    g (uint8[3, 5] a, uint8[5, 4] b, float[1] s) => (uint8[3, 4] y) <uint8 z = {0}>
    { y = QLinearMatMul(a, s, z, b, s, z, s, z) }"""
    _, edits = fixed(text, CODE)
    assert isinstance(edits[0], SetOpset)


def test_dynamic_quantisation_is_left_to_its_own_rule() -> None:
    text = """g (float[2, 3] x) => (float[2, 2] y)
    <int8[3, 2] w = {1, -2, 3, 4, -5, 6}, int8 w_zero = {1}, float w_scale = {0.5}>
    {
        q, x_scale, x_zero = DynamicQuantizeLinear(x)
        scale = Mul(x_scale, w_scale)
        whole = MatMulInteger(q, w, x_zero, w_zero)
        real = Cast<to = 1>(whole)
        y = Mul(real, scale)
    }"""
    assert diagnostics(text, CODE) == ()


@pytest.mark.parametrize(
    ("weights", "zero", "told"),
    [
        ("1, -2, 3, 4, -5, 6", "0", "in floats"),  # 3 · 128 · 6
        ("127, 127, 127, 127, 127, 127", "0", "in floats"),  # 3 · 128 · 127 = 48768
        ("127, 127, 127, 127, 127, 127", "127", "±97,155"),  # 3 · 255 · 127
    ],
)
def test_sums_beyond_fp16_are_told(weights: str, zero: str, told: str) -> None:
    text = f"""g (int8[2, 3] a) => (int32[2, 2] y) <int8[3, 2] b = {{{weights}}}, int8 z = {{{zero}}}>
    {{ y = MatMulInteger(a, b, z) }}"""
    _, edits = fixed(text, CODE)
    detail = next(edit.detail for edit in edits if isinstance(edit, Rewrite))
    assert told in detail
    assert ("fp16 ends" in detail) == (told != "in floats")
