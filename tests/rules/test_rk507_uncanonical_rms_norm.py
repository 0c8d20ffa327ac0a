from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.targets import Target
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK507"
HEADS = {17: "mean = ReduceMean<axes = [-1]>(p)", 18: "mean = ReduceMean(p, last)"}
SQUARES = ("p = Pow(x, two)", "p = Mul(x, x)")
QUOTIENTS = {
    "reciprocal": "s = Sqrt(a) r = Reciprocal(s) n = Mul(x, r)",
    "reciprocal in front": "s = Sqrt(a) r = Reciprocal(s) n = Mul(r, x)",
    "power": "r = Pow(a, minus_half) n = Mul(x, r)",
    "quotient": "s = Sqrt(a) n = Div(x, s)",
}
CANONICAL = "s = Sqrt(a) r = Div(one, s) n = Mul(x, r)"
SCALED = "y = Mul(n, w)"
FUSED = ["Add", "Div", "Mul", "Mul", "Pow", "ReduceMean", "Sqrt"]


def model(quotient: str, *, square: str = SQUARES[0], end: str = SCALED, opset: int = 17, mean: str = "") -> str:
    last = ", int64[1] last = {-1}" if opset >= 18 else ""
    return f"""<ir_version: 8, opset_import: ["" : {opset}]>
    g (float[2, 3, 4] x) => (float[2, 3, 4] y)
    <float two = {{2}}, float one = {{1}}, float minus_half = {{-0.5}}, float eps = {{0.00001}},
    float[4] w = {{0.5, 2, -3, 1}}{last}>
    {{ {square} {mean or HEADS[opset]} a = Add(mean, eps) {quotient} {end} }}"""


def agree(before: str, seed: int, scale: float) -> list[str]:
    after, edits = fixed(before, CODE)
    assert len(edits) == 1
    x = np.random.default_rng(seed).normal(size=(2, 3, 4)).astype(np.float32) * np.float32(scale)
    x[0, 0] = 0
    np.testing.assert_allclose(run(after, {"x": x})[0], run(before, {"x": x})[0], rtol=2e-5, atol=2e-5)
    return sorted(operators(after))


@pytest.mark.parametrize("opset", HEADS)
@pytest.mark.parametrize("square", SQUARES)
@pytest.mark.parametrize("quotient", QUOTIENTS)
def test_every_form_becomes_the_one_that_is_fused(quotient: str, square: str, opset: int) -> None:
    assert agree(model(QUOTIENTS[quotient], square=square, opset=opset), 0, 1.0) == FUSED


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([1e-4, 0.1, 10.0, 200.0]))
def test_the_numbers_stay(seed: int, scale: float) -> None:
    assert agree(model(QUOTIENTS["quotient"], square=SQUARES[1]), seed, scale) == FUSED


@pytest.mark.parametrize("end", ["y = Tanh(n)", "y = Add(n, w)", "y = Mul(n, x)"])
def test_a_missing_scale_is_added(end: str) -> None:
    before = model(CANONICAL, end=end)
    assert "without a scale" in diagnostics(before, CODE)[0].message
    operator = end.split("(", maxsplit=1)[0].removeprefix("y = ")
    assert agree(before, 1, 1.0) == sorted([*FUSED, operator])


@pytest.mark.parametrize(
    "text",
    [
        model(CANONICAL),
        model(CANONICAL.replace("Mul(x, r)", "Mul(r, x)"), end="y = Mul(w, n)"),
        model(CANONICAL, end="y = Mul(n, two)"),
        model(QUOTIENTS["quotient"], mean="mean = ReduceMean<axes = [1]>(p)"),
        model(QUOTIENTS["quotient"], mean="mean = ReduceMean<axes = [-1, -2]>(p)"),
        model(QUOTIENTS["quotient"], mean="mean = ReduceMean(p)"),
        model(QUOTIENTS["power"].replace("minus_half", "two")),
        model(QUOTIENTS["quotient"], square="p = Pow(x, minus_half)"),
        model("s = Sqrt(a) r = Div(p, s) n = Mul(x, r)"),
        model("s = Sqrt(a) n = Div(p, s)"),
    ],
    ids=range(10),
)
def test_what_is_fused_or_something_else_is_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()


def test_a_version_that_dies_of_it_is_left_alone() -> None:
    text = model(QUOTIENTS["quotient"])
    assert diagnostics(text, CODE, target=Target(toolkit="2.2.0")) == ()
    assert len(diagnostics(text, CODE, target=Target(toolkit="2.3.0"))) == 1


def test_a_layer_norm_is_none() -> None:
    text = """g (float[2, 3, 4] x) => (float[2, 3, 4] y) <float two = {2}, float eps = {0.00001}> {
        m = ReduceMean<axes = [-1]>(x) c = Sub(x, m) p = Pow(c, two) v = ReduceMean<axes = [-1]>(p)
        a = Add(v, eps) s = Sqrt(a) y = Div(c, s)
    }"""
    assert diagnostics(text, CODE) == ()


def test_the_last_axis_by_its_number() -> None:
    text = model(QUOTIENTS["reciprocal"], mean="mean = ReduceMean<axes = [2]>(p)")
    assert agree(text, 2, 1.0) == FUSED


def test_a_width_that_is_not_known_is_refused() -> None:
    text = model(CANONICAL, end="y = Tanh(n)").replace("float[2, 3, 4]", "float[2, 3, N]")
    (refusal,) = fixed(text, CODE)[1]
    assert "unknown" in refusal.reason  # type: ignore[union-attr]
