"""RK550: what keeps a layer normalization in pieces; forms that are fused, and other norms, are no finding."""

from __future__ import annotations

import pytest

from tests.rules.harness import diagnostics

TEXT = """agraph (float[1, 8, 16] x) => (float[1, 8, 16] y{more}) <float two = {{2}}, float e = {{0.00001}}> {{
    h = Relu(x)
    m = ReduceMean<axes = [-1]>(h)
    d = Sub(h, m)
    {square}
    v = ReduceMean<axes = [-1]>(q)
    ve = Add({shift})
    s = Sqrt(ve)
    {divide}
    y = Relu(n)
}}"""


def text(square: str = "q = Pow(d, two)", divide: str = "n = Div(d, s)", shift: str = "v, e", more: str = "") -> str:
    return TEXT.format(square=square, divide=divide, shift=shift, more=more)


@pytest.mark.parametrize(
    ("model", "word"),
    [
        (text(), None),
        (text(square="q = Mul(d, d)"), None),
        (text(shift="e, v"), None),
        (text(square="q = Mul(d, h)"), None),
        (text(divide="r = Reciprocal(s) n = Mul(d, r)"), "reads the deviation"),
        (text(divide="c = Sub(h, m) n = Div(c, s)"), "subtracted 2 times"),
        (text(divide="k = Div(d, s) l = Relu(d) n = Add(k, l)"), "centred values"),
        (text(divide="k = Div(d, s) l = Relu(v) n = Add(k, l)"), "variance"),
        (text(more=", float[1, 8, 1] m"), "the mean 'm' leaves"),
        (text(more=", float[1, 8, 16] d"), "the centred values 'd' leave the"),
        (text(more=", float[1, 8, 1] v"), "the variance 'v' leaves"),
    ],
)
def test_the_reason_is_told(model: str, word: str | None) -> None:
    told = diagnostics(model, "RK550")
    assert len(told) == (word is not None)
    assert word is None or word in told[0].message
