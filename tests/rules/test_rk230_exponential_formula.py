from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.diagnostics import Safety
from tests.rules.elementwise import result, rewritten
from tests.rules.harness import diagnostics
from tests.rules.rewriting import operators

CODE = "RK230"
NEGATIVES = ["n = Neg(x)", "n = Mul(minus, x)", "n = Div(x, minus)", "n = Sub(zero, x)"]
SIGMOIDS = {
    "y = Div(one, s)": ["Sigmoid"],
    "y = Reciprocal(s)": ["Sigmoid"],
    "y = Pow(s, minus)": ["Sigmoid"],
    "y = Div(x, s)": ["Sigmoid", "Mul"],
    "y = Div(three, s)": ["Sigmoid", "Mul"],
}
HYPERBOLIC = [
    *(f"{n} e = Exp(x) f = Exp(n) a = Sub(e, f) s = Add(f, e) y = Div(a, s)" for n in NEGATIVES),
    "t = Mul(x, two) e = Exp(t) a = Sub(e, one) s = Add(e, one) y = Div(a, s)",
    "t = Add(x, x) e = Exp(t) a = Sub(e, one) s = Add(one, e) y = Div(a, s)",
    "t = Mul(two, x) u = Neg(t) e = Exp(u) a = Sub(one, e) s = Add(one, e) y = Div(a, s)",
]


def model(body: str, dtype: str = "float") -> str:
    numbers = {"one": 1, "two": 2, "three": 3, "zero": 0, "minus": -1, "half": 0.5}
    constants = ", ".join(f"{dtype} {name} = {{{number}}}" for name, number in numbers.items() if name in body)
    return f"g ({dtype}[2, 3] x) => ({dtype}[2, 3] y) <{constants}> {{ {body} }}".replace("<>", "")


numbers = st.lists(st.floats(-40, 40, width=32), min_size=6, max_size=6)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(NEGATIVES), st.sampled_from(sorted(SIGMOIDS)), st.booleans(), numbers)
def test_sigmoids(negative: str, quotient: str, swapped: bool, values: list[float]) -> None:
    text = model(f"{negative} e = Exp(n) s = Add({'one, e' if swapped else 'e, one'}) {quotient}")
    after = rewritten(text, CODE)
    feeds = {"x": np.array(values, np.float32).reshape(2, 3)}
    np.testing.assert_allclose(result(after, feeds), result(text, feeds), rtol=1e-5, atol=3e-6)
    assert operators(after) == SIGMOIDS[quotient]


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(HYPERBOLIC), numbers)
def test_hyperbolic_tangents(body: str, values: list[float]) -> None:
    after = rewritten(model(body), CODE)
    feeds = {"x": np.array(values, np.float32).reshape(2, 3)}
    np.testing.assert_allclose(result(after, feeds), result(model(body), feeds), rtol=1e-5, atol=1e-6)
    assert operators(after) == ["Tanh"]


def test_halves_do_not_overflow_any_more() -> None:
    x = {"x": np.array([[12, -12, 30000], [-30000, 0, 1]], np.float16)}
    assert np.isfinite(result(rewritten(model(HYPERBOLIC[0], "float16"), CODE), x)).all()


@pytest.mark.parametrize(
    "body",
    [
        "n = Neg(x) e = Exp(n) s = Add(e, two) y = Div(one, s)",
        "e = Exp(x) s = Add(e, one) y = Div(one, s)",
        "n = Neg(x) e = Exp(n) s = Sub(e, one) y = Div(one, s)",
        "n = Neg(x) e = Exp(n) s = Add(e, one) y = Div(s, one)",
        "n = Neg(x) e = Exp(n) s = Add(e, one) y = Pow(s, two)",
        "n = Sub(one, x) e = Exp(n) s = Add(e, one) y = Reciprocal(s)",
        "n = Neg(x) e = Exp(x) f = Exp(n) a = Sub(f, e) s = Add(e, f) y = Div(a, s)",
        "n = Neg(x) e = Exp(x) f = Exp(n) a = Add(e, f) s = Sub(e, f) y = Div(a, s)",
        "t = Mul(x, three) e = Exp(t) a = Sub(e, one) s = Add(e, one) y = Div(a, s)",
        "t = Mul(x, two) e = Exp(t) a = Sub(one, e) s = Add(e, one) y = Div(a, s)",
        "e = Exp(x) s = Add(e, one) y = Log(s)",
    ],
    ids=range(11),
)
def test_other_functions_are_left_alone(body: str) -> None:
    assert diagnostics(model(body), CODE) == ()


def test_what_else_reads_the_exponential_keeps_it() -> None:
    text = model("n = Neg(x) e = Exp(n) s = Add(e, one) d = Div(one, s) y = Add(d, e)")
    assert sorted(operators(rewritten(text, CODE))) == ["Add", "Exp", "Neg", "Sigmoid"]


@pytest.mark.parametrize("body", [HYPERBOLIC[0], *(f"n = Neg(x) e = Exp(n) s = Add(e, one) {q}" for q in SIGMOIDS)])
def test_the_engine_proves_it(body: str, tmp_path: Path) -> None:
    from tests.engine.fixing import fix_text

    outcome = fix_text(model(body), tmp_path, CODE, allow=frozenset({Safety.FP16_RANGE}))
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
