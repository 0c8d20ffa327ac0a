from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rkgraph.diagnostics import Safety
from tests.rules.elementwise import in_fp16, refusal, result, rewritten
from tests.rules.harness import diagnostics, parse

CODE = "RK231"
GUARDS = ["b = Add(a, e)", "b = Add(e, a)", "b = Max(a, e)", "b = Clip(a, e)", "b = Clip(a, e, top)"]
READERS = [
    "y = Div(x, b)",
    "c = Sqrt(b) y = Reciprocal(c)",
    "c = Sqrt(b) y = Div(minus, c)",
    "y = Log(b)",
    "c = Sqrt(b) y = Div(x, c)",
    "y = Pow(b, minus)",
    "c = Transpose<perm = [0, 1]>(b) d = Identity(c) y = Div(x, d)",
]


def model(guard: str, reader: str, epsilon: str = "0.0000000001", *, opset: int = 17) -> str:
    constants = f"float e = {{{epsilon}}}, float top = {{100}}, float minus = {{-0.5}}"
    return f"""<ir_version: 8, opset_import: ["" : {opset}]> g (float[2, 3] x) => (float[2, 3] y)
    <{constants}> {{ a = Abs(x) {guard} {reader} }}"""


@pytest.mark.parametrize("guard", GUARDS)
@pytest.mark.parametrize("reader", READERS)
def test_what_is_guarded_is_a_number_in_fp16_too(guard: str, reader: str) -> None:
    text = model(guard, reader)
    x = {"x": np.array([[1, -2, 0.5], [3, 150, 7]], np.float32)}
    after = rewritten(text, CODE)
    np.testing.assert_allclose(result(after, x), result(text, x), rtol=1e-6)
    zeros = {"x": np.zeros((2, 3), np.float16)}
    assert np.isfinite(result(in_fp16(after), zeros)).all()
    assert not np.isfinite(result(in_fp16(parse(text)), zeros)).all()


def test_bounds_that_are_attributes() -> None:
    text = model("b = Clip<min = 0.000000001, max = 50.0>(a)", "y = Div(x, b)", opset=10)
    x = {"x": np.array([[1, -2, 0.5], [3, 150, 7]], np.float32)}
    np.testing.assert_allclose(result(rewritten(text, CODE), x), result(text, x), rtol=1e-6)


@pytest.mark.parametrize(
    ("guard", "reader", "epsilon"),
    [
        ("b = Add(a, e)", "y = Div(x, b)", "0.0000001"),
        ("b = Add(a, e)", "y = Div(x, b)", "0"),
        ("b = Add(a, e)", "y = Div(x, b)", "-0.0000000001"),
        ("b = Add(a, e)", "y = Div(b, x)", "0.0000000001"),
        ("b = Add(a, e)", "y = Reciprocal(b)", "0.0000000001"),
        ("b = Add(a, e)", "y = Div(top, b)", "0.0000000001"),
        ("b = Add(a, e)", "y = Sqrt(b)", "0.0000000001"),
        ("b = Add(a, e)", "y = Pow(b, top)", "0.0000000001"),
        ("b = Mul(a, e)", "y = Div(x, b)", "0.0000000001"),
        ("b = Add(a, e)", "c = Relu(b) y = Div(x, c)", "0.0000000001"),
        ("b = Clip(a, , e)", "y = Div(x, b)", "0.0000000001"),
    ],
    ids=range(11),
)
def test_other_numbers_and_other_readers_are_left_alone(guard: str, reader: str, epsilon: str) -> None:
    assert diagnostics(model(guard, reader, epsilon), CODE) == ()


def test_norms_keep_their_epsilon_in_float32() -> None:
    text = model("m = ReduceMean<axes = [-1]>(a) b = Add(m, e)", "c = Sqrt(b) y = Div(x, c)")
    assert diagnostics(text, CODE) == ()


def test_a_computed_upper_bound_is_refused() -> None:
    text = model("t = ReduceMax<keepdims = 0>(x) b = Clip(a, e, t)", "y = Div(x, b)")
    assert "computed" in refusal(text, CODE)


def test_the_engine_proves_it(tmp_path: Path) -> None:
    from tests.engine.fixing import fix_text

    text = model("b = Add(a, e)", "y = Div(x, b)", "0.000000000001")
    outcome = fix_text(text, tmp_path, CODE, allow=frozenset({Safety.FP16_RANGE}))
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
