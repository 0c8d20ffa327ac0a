"""RK430: Transposes on the CPU that a neighbour makes unnecessary."""

from __future__ import annotations

import pytest

from tests.rules.harness import diagnostics

INPUT, TURNED = "float[1, 4, 640, 65]", "float[65, 640, 4, 1]"
TURN = "Transpose<perm = [3, 2, 1, 0]>"


def text(body: str, out: str = TURNED) -> str:
    return f"agraph ({INPUT} x) => ({out} y) {{ {body} }}"


@pytest.mark.parametrize(
    ("model", "word"),
    [
        (text(f"a = {TURN}(x) y = Relu(a)"), "feed it in the other order"),
        (text(f"r = Relu(x) y = {TURN}(r)"), "hand its input out"),
        (text(f"r = Neg(x) a = {TURN}(r) b = Relu(a) c = {TURN}(b) y = Neg(c)", INPUT), None),
        (text(f"r = Neg(x) a = {TURN}(r) b = Softmax(a) c = {TURN}(b) y = Neg(c)", INPUT), None),
        (text(f"r = Relu(x) a = {TURN}(r) y = Softmax(a)"), None),
        (text("r = Relu(x) y = Relu(r)", INPUT), None),
    ],
)
def test_the_way_out_is_told(model: str, word: str | None) -> None:
    told = diagnostics(model, "RK430")
    assert bool(told) is (word is not None)
    if word is not None:
        assert word in told[0].message
        assert "at most 8192" in told[0].observed["why"][0]


def test_a_product_with_weights_takes_it_in() -> None:
    weights = ", ".join(["0.5"] * 4)
    body = "r = Neg(x) a = Transpose<perm = [0, 2, 1]>(r) y = MatMul(w, a)"
    model = f"agraph (float[1, 8400, 2] x) => (float[1, 2, 8400] y) <float[2, 2] w = {{{weights}}}> {{ {body} }}"
    (told,) = diagnostics(model, "RK430")
    assert "multiply the other way round" in told.message
