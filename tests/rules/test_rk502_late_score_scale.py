from __future__ import annotations

import numpy as np
import pytest

from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK502"


def attention(scale: str, rank: int = 3, ending: str = "masked = Add(scores, row) y = Softmax(masked)") -> str:
    batch = "4" if rank == 3 else "1, 4"
    return f"""g (float[{batch}, 8, 16] q, float[{batch}, 16, 8] k) => (float[{batch}, 8, 8] y)
    <float c = {{4}}, float[8] row = {{1, 2, 3, 4, 5, 6, 7, 8}}> {{
        product = MatMul(q, k)
        scores = {scale}
        {ending}
    }}"""


@pytest.mark.parametrize("scale", ["Div(product, c)", "Mul(product, c)", "Mul(c, product)"])
def test_the_query_is_scaled_instead(scale: str) -> None:
    after, _ = fixed(attention(scale), CODE)
    assert operators(after) == ["Mul", "MatMul", "Add", "Softmax"]
    draw = np.random.default_rng(0).normal
    feeds = {"q": draw(size=(4, 8, 16)).astype(np.float32), "k": draw(size=(4, 16, 8)).astype(np.float32)}
    np.testing.assert_allclose(run(after, feeds)[0], run(attention(scale), feeds)[0], rtol=1e-5)


@pytest.mark.parametrize(
    "model",
    [
        attention("Div(product, c)", rank=4),
        attention("Div(c, product)"),
        attention("Mul(product, row)"),
        attention("Mul(product, c)", ending="y = Relu(scores)"),
        attention("Mul(product, c)", ending="y = Softmax(scores)"),
        attention("Mul(product, c)", ending="p = Softmax(scores) y = Mul(p, scores)"),
    ],
)
def test_other_products_are_left_alone(model: str) -> None:
    assert diagnostics(model, CODE) == ()
