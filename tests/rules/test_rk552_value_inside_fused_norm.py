"""RK552: means that are read elsewhere end the build, normalized values that are handed out are lost."""

from __future__ import annotations

import pytest

from rkgraph.diagnostics import Verdict
from tests.rules.harness import diagnostics, lint_text

TEXT = """agraph (float[1, 8, 16] x) => (float[1, 8, 16] y{more})
<float two = {{2}}, float e = {{0.00001}}, float g = {{0.5}}> {{
    h = Relu(x) m = ReduceMean<axes = [-1]>(h) d = Sub(h, m) q = Pow(d, two) v = ReduceMean<axes = [-1]>(q)
    ve = Add(v, e) s = Sqrt(ve) {rest}
}}"""
N = ", float[1, 8, 16] n"


@pytest.mark.parametrize(
    ("rest", "more", "keys"),
    [
        ("n = Div(d, s) y = Mul(n, g)", "", []),
        ("n = Div(d, s) k = Sigmoid(m) y = Mul(n, k)", "", ["RK552"]),
        ("r = Reciprocal(s) n = Mul(d, r) k = Sigmoid(m) y = Mul(n, k)", "", []),
        ("n = Div(d, s) k = Sigmoid(m) y = Mul(n, k)", ", float[1, 8, 1] v", []),
        ("n = Div(d, s) y = Mul(n, g)", N, ["RK552"]),
        ("n = Div(d, s) y = Add(g, n)", N, ["RK552"]),
        ("n = Div(d, s) y = Mul(n, x)", N, []),
        ("n = Div(d, s) y = Relu(n)", N, []),
    ],
)
def test_what_is_destroyed_is_told(rest: str, more: str, keys: list[str]) -> None:
    assert [d.code for d in diagnostics(TEXT.format(rest=rest, more=more), "RK552")] == keys


def test_a_mean_that_is_read_ends_the_build() -> None:
    text = TEXT.format(rest="n = Div(d, s) k = Sigmoid(m) y = Mul(n, k)", more="")
    assert lint_text(text, "RK552").verdict is Verdict.BUILD_FAILS
