from __future__ import annotations

import numpy as np
import pytest

from rkgraph.graph.rewrite import Refusal
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK505"


def model(first: str, second: str, scores: str = "MatMul(q, k)", batch: int = 1) -> str:
    return f"""g (float[1, 1, 1, 8] a, float[{batch}, 1, 8, 8] b, float[1, 2, 8, 4] q, float[1, 2, 4, 8] k)
    => (float[{batch}, 2, 8, 8] y) <float half = {{0.5}}> {{
        s = {scores}
        once = {first}
        twice = {second}
        y = Softmax(twice)
    }}"""


@pytest.mark.parametrize(
    ("first", "second"),
    [("Add(s, a)", "Add(once, b)"), ("Add(b, s)", "Add(a, once)"), ("Add(s, a)", "Add(b, once)")],
)
def test_the_parts_are_added_first(first: str, second: str) -> None:
    text = model(first, second)
    after, _ = fixed(text, CODE)
    assert sorted(operators(after)) == ["Add", "Add", "MatMul", "Softmax"]
    random = np.random.default_rng(0)
    feeds = {
        "a": np.where(np.arange(8) < 5, 0, -1e4).astype(np.float32).reshape(1, 1, 1, 8),
        "b": (random.normal(size=(1, 1, 8, 8)) + np.triu(np.full((8, 8), -1e4), 1)).astype(np.float32),
        "q": random.normal(size=(1, 2, 8, 4)).astype(np.float32),
        "k": random.normal(size=(1, 2, 4, 8)).astype(np.float32),
    }
    np.testing.assert_allclose(run(after, feeds)[0], run(text, feeds)[0], rtol=1e-4, atol=1e-7)


def test_scaled_scores_are_scores() -> None:
    text = model("Add(t, a)", "Add(once, b)").replace("once =", "t = Mul(s, half) once =", 1)
    assert len(diagnostics(text, CODE)) == 1


@pytest.mark.parametrize(
    ("first", "second", "scores"),
    [
        ("Add(s, a)", "Mul(once, b)", "MatMul(q, k)"),
        ("Add(b, a)", "Add(once, s)", "MatMul(q, k)"),
        ("Add(s, a)", "Add(once, b)", "Relu(b)"),
    ],
)
def test_what_is_no_double_addition_to_scores_is_left_alone(first: str, second: str, scores: str) -> None:
    assert diagnostics(model(first, second, scores), CODE) == ()


def test_an_addition_that_widens_the_scores_is_refused() -> None:
    (refusal,) = fixed(model("Add(s, a)", "Add(once, b)", batch=3), CODE)[1]
    assert isinstance(refusal, Refusal)
    assert "widens" in refusal.reason
