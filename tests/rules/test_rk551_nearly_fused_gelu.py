"""RK551: what keeps a GELU of the known order from being fused."""

from __future__ import annotations

import pytest

from tests.rules.harness import diagnostics

TEXT = """agraph (float[1, 8, 16] x) => (float[1, 8, 16] y{more})
<float root = {{{root}}}, float one = {{1}}, float half = {{0.5}}> {{
    p = Relu(x) {before} d = Div(p, root) e = Erf(d) a = Add(e, one) {product}
}}"""
LAST = "pa = Mul(p, a) y = Mul(pa, half)"


def text(before: str = "", product: str = LAST, root: float = 1.4142135, more: str = "") -> str:
    return TEXT.format(before=before, product=product, root=root, more=more)


@pytest.mark.parametrize(
    ("model", "word"),
    [
        (text(), None),
        (text(before="ph = Mul(p, half)", product="y = Mul(ph, a)"), None),
        (text(product="y = Add(p, a)"), None),
        (text(product="ph = Mul(p, half) y = Mul(ph, a)"), "stands behind the Erf"),
        (text(product="ph = Mul(p, one) y = Mul(ph, a)"), None),
        (text(root=1.5), "divides by 1.5"),
        (text(root=1.4142), None),
        (text(more=", float[1, 8, 16] e"), "'e' is an output"),
        (text(product=LAST.replace("y", "z") + " u = Relu(a) y = Add(z, u)"), "'a' is read by"),
    ],
)
def test_the_reason_is_told(model: str, word: str | None) -> None:
    told = diagnostics(model, "RK551")
    assert len(told) == (word is not None)
    assert word is None or word in told[0].message
