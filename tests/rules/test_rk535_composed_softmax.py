from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK535"
LESS = "m = ReduceMax<axes = [-1]>(x) d = Sub(x, m)"
STEPS = f"{LESS} e = Exp(d) s = ReduceSum(e, last)"
FORMS = {
    "quotient": f"{STEPS} y = Div(e, s)",
    "reciprocal": f"{STEPS} r = Reciprocal(s) y = Mul(e, r)",
    "inverse": f"{STEPS} r = Div(one, s) y = Mul(r, e)",
    "in front of Softmax": f"{LESS} y = Softmax<axis = 2>(d)",
    "exponentials twice": f"{STEPS} f = Exp(d) y = Div(f, s)",
}


def model(steps: str, opset: int = 17) -> str:
    return f"""<ir_version: 8, opset_import: ["" : {opset}]> g (float[2, 3, 4] x) => (float[2, 3, 4] y)
    <int64[1] last = {{-1}}, int64[1] middle = {{1}}, float one = {{1}}, float two = {{2}}> {{ {steps} }}"""


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(FORMS)), st.integers(0, 2**31), st.sampled_from([0.1, 5.0, 1e4]))
def test_every_form_becomes_one_softmax(name: str, seed: int, scale: float) -> None:
    before = model(FORMS[name])
    after, edits = fixed(before, CODE)
    assert len(edits) == 1
    assert operators(after) == ["Softmax"]
    x = (np.random.default_rng(seed).normal(size=(2, 3, 4)) * scale).astype(np.float32)
    np.testing.assert_allclose(run(after, {"x": x})[0], run(before, {"x": x})[0], rtol=2e-5, atol=1e-6)


def test_axes_that_are_inputs() -> None:
    text = model(FORMS["quotient"].replace("ReduceMax<axes = [-1]>(x)", "ReduceMax(x, last)"), opset=18)
    assert operators(fixed(text, CODE)[0]) == ["Softmax"]


@pytest.mark.parametrize(
    "steps",
    [
        f"{LESS} e = Exp(d) s = ReduceSum(e, middle) y = Div(e, s)",
        FORMS["quotient"].replace("[-1]", "[1]"),
        FORMS["quotient"].replace("ReduceMax", "ReduceMin"),
        FORMS["quotient"].replace("Div(e, s)", "Div(s, e)"),
        FORMS["quotient"].replace("Sub(x, m)", "Sub(m, x)"),
        FORMS["inverse"].replace("Div(one", "Div(two"),
        f"{STEPS} f = Exp(x) y = Div(f, s)",
        FORMS["in front of Softmax"].replace("axis = 2", "axis = 1"),
        "y = Softmax(x)",
    ],
    ids=range(9),
)
def test_what_is_something_else_is_left_alone(steps: str) -> None:
    assert diagnostics(model(steps), CODE) == ()
