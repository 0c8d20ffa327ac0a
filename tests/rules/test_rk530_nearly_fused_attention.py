from __future__ import annotations

import pytest

from tests.rules.harness import diagnostics

CODE = "RK530"
HEAD = "float[1, 2, 8, 4] q, float[1, 2, 4, 8] k, float[1, 2, 8, 4] v, float[1, 1, 8, 8] m, float[1, 1, 8, 8] n"
CONSTANTS = "float c = {0.5}, float big = {-10000}, int64[4] l = {1, 2, 8, 8}"


END = "p = Softmax<axis = -1>(s) y = MatMul(p, v)"


def model(scores: str = "s = MatMul(q, k)", end: str = END, out: str = "") -> str:
    return f"g ({HEAD}, bool[1, 1, 8, 8] b) => (float[1, 2, 8, 4] y{out}) <{CONSTANTS}> {{ {scores} {end} }}"


@pytest.mark.parametrize(
    "scores",
    [
        "s = MatMul(q, k)",
        "r = MatMul(q, k) s = Mul(r, c)",
        "r = MatMul(q, k) t = Div(r, c) s = Add(t, m)",
        "r = MatMul(q, k) s = Add(m, r)",
        "x = Mul(q, c) r = MatMul(x, k) a = Add(m, n) s = Add(r, a)",
    ],
    ids=range(5),
)
def test_what_is_fused_is_no_finding(scores: str) -> None:
    assert diagnostics(model(scores), CODE) == ()


@pytest.mark.parametrize(
    ("scores", "end", "reason"),
    [
        ("r = MatMul(q, k) s = Sub(r, m)", "", "(Sub) stands between product and softmax"),
        ("r = MatMul(q, k) t = Add(r, m) s = Add(t, n)", "", "2 Adds stand between"),
        ("r = MatMul(q, k) s = Where(b, r, big)", "", "(Where) stands between product and softmax"),
        ("r = MatMul(q, k) t = Tanh(r) s = Add(t, m)", "", "(Tanh) stands between product and softmax"),
        ("r = MatMul(q, k) s = Reshape(r, l)", "", "(Reshape) stands between product and softmax"),
        ("r = MatMul(q, k) s = Mul(r, m)", "", "(Mul) stands between product and softmax"),
        ("s = MatMul(q, k)", "p = Softmax<axis = 2>(s) y = MatMul(p, v)", "axis 2 of 4"),
        ("s = MatMul(q, k)", "p = Softmax<axis = -1>(s) t = Mul(p, m) y = MatMul(t, v)", "between softmax and product"),
    ],
    ids=range(8),
)
def test_what_stands_in_the_way_is_named(scores: str, end: str, reason: str) -> None:
    (found,) = diagnostics(model(scores, end) if end else model(scores), CODE)
    assert reason in found.message


def test_weights_that_are_handed_out_are_told() -> None:
    (found,) = diagnostics(model(out=", float[1, 2, 8, 8] p"), CODE)
    assert "read elsewhere" in found.message


@pytest.mark.parametrize(("masked", "scores", "count"), [("t = Add(s, m)", "t", 1), ("", "s", 0)])
def test_three_dimensional_scores_scaled_late_under_a_mask(masked: str, scores: str, count: int) -> None:
    text = f"""g (float[2, 8, 4] q, float[2, 4, 8] k, float[2, 8, 4] v, float[2, 8, 8] m) => (float[2, 8, 4] y)
        <float c = {{0.5}}> {{ r = MatMul(q, k) s = Mul(r, c) {masked}
        p = Softmax<axis = -1>({scores}) y = MatMul(p, v) }}"""
    found = diagnostics(text, CODE)
    assert [("three dimensions" in one.message) for one in found] == [True] * count


def test_a_classifier_is_none() -> None:
    text = """g (float[2, 2] x) => (float[2, 2] y) <float[2, 2] w = {1, 2, 3, 4}> {
        s = MatMul(x, w) t = Sub(s, x) p = Softmax<axis = -1>(t) y = MatMul(p, w) }"""
    assert diagnostics(text, CODE) == ()


def test_other_softmaxes_are_left_alone() -> None:
    text = "g (float[8, 4] x) => (float[8, 4] y) <float c = {2}> { s = Sub(x, c) y = Softmax<axis = -1>(s) }"
    assert diagnostics(text, CODE) == ()
