"""RK720: images that nothing normalizes, in quantized builds."""

from __future__ import annotations

import pytest

from rkgraph.rulebook.rule import Options
from rkgraph.targets import Target
from tests.rules.harness import diagnostics

TEXT = """agraph (float[1, {c}, {size}, 40] x, float[8, {c}, 3, 3] w) => (float[1, 8, {out}, 38] y) {{
    {front} y = Conv({read}, w) }}"""


def text(c: int = 3, size: int = 40, front: str = "", read: str = "x") -> str:
    return TEXT.format(c=c, size=size, out=size - 2, front=front, read=read)


@pytest.mark.parametrize(
    ("model", "precision", "found"),
    [
        (text(), "w8a8", 1),
        (text(c=1), "w16a16i", 1),
        (text(), "fp16", 0),
        (text(c=2), "w8a8", 0),
        (text(size=31), "w8a8", 0),
        (text(front="a = Div(x, x)", read="a"), "w8a8", 0),
    ],
)
def test_what_looks_like_an_image(model: str, precision: str, found: int) -> None:
    assert len(diagnostics(model, "RK720", target=Target(precision=precision))) == found


def test_the_size_is_an_option() -> None:
    options = Options(rules={"RK720": {"least_pixels": 41}})
    assert diagnostics(text(), "RK720", target=Target(precision="w8a8"), options=options) == ()
