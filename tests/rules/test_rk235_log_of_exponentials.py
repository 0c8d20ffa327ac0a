from __future__ import annotations

import numpy as np
import pytest

from tests.rules.harness import diagnostics, parse
from tests.rules.lowered import assert_lowered, refusal_of
from tests.rules.rewriting import fixed, run

CODE = "RK235"


def model(axes: str, *, keepdims: int = 1, shape: str = "2, 3, 4", out: str = "2, 3, 1", opset: int = 13) -> str:
    return f"""<ir_version: 8, opset_import: ["" : {opset}]>
    g (float[{shape}] x) => (float[{out}] y) <int64[{len(axes.split(","))}] axes = {{{axes}}}>
    {{ e = Exp(x) s = ReduceSum<keepdims = {keepdims}>(e, axes) y = Log(s) }}"""


@pytest.mark.parametrize("scale", [0.0, 1.0, 20.0])
@pytest.mark.parametrize(("axes", "keepdims", "out"), [("2", 1, "2, 3, 1"), ("-1", 0, "2, 3"), ("0, 2", 0, "3")])
@pytest.mark.parametrize("opset", [13, 18])
def test_the_numbers_stay(axes: str, keepdims: int, out: str, scale: float, opset: int) -> None:
    x = (np.random.default_rng(0).normal(size=(2, 3, 4)) * scale).astype(np.float32)
    text = model(axes, keepdims=keepdims, out=out, opset=opset)
    assert "ReduceMax" in assert_lowered(parse(text), CODE, {"x": x}, rtol=1e-5, atol=1e-5)


def test_large_numbers_come_out_right_that_did_not() -> None:
    after, _ = fixed(model("2"), CODE)
    x = np.full((2, 3, 4), 500, np.float32)
    np.testing.assert_allclose(np.asarray(run(after, {"x": x})[0], np.float64), 500 + np.log(4), rtol=1e-6)


@pytest.mark.parametrize(
    "body",
    [
        "d = Sub(x, x) e = Exp(d) s = ReduceSum(e, axes) y = Log(s)",
        "e = Exp(x) s = ReduceMean<axes = [2]>(e) y = Log(s)",
        "e = Exp(x) s = ReduceSum(e, axes) l = Log(s) y = Add(l, s)",
        "e = Abs(x) s = ReduceSum(e, axes) y = Log(s)",
    ],
)
def test_other_formulas_are_left_alone(body: str) -> None:
    text = f"g (float[2, 3, 4] x) => (float[2, 3, 1] y) <int64[1] axes = {{2}}> {{ {body} }}"
    assert diagnostics(text, CODE) == ()


def test_a_dynamic_shape_is_refused() -> None:
    assert "--shape" in refusal_of(model("2", shape="N, 3, 4", out="N, 3, 1"), CODE)
