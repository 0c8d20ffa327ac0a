from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.graph.rewrite import Refusal
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK504"


def model(masked: str, *, fill: str = "-10000", scores: str = "MatMul(q, k)", more: str = "") -> str:
    return f"""g (bool[1, 1, 8, 8] m, float[1, 2, 8, 4] q, float[1, 2, 4, 8] k) => (float[1, 2, 8, 8] y)
    <float fill = {{{fill}}}, float half = {{0.5}}> {{
        s = {scores}
        w = {masked}
        {more or "y = Softmax(w)"}
    }}"""


def feeds(seed: int, scale: float) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    keep = random.random((1, 1, 8, 8)) < 0.5
    keep[..., 0] = True
    q, k = (random.normal(size=shape).astype(np.float32) * scale for shape in ((1, 2, 8, 4), (1, 2, 4, 8)))
    return {"m": keep, "q": q, "k": k}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([0.01, 1.0, 5.0]))
def test_the_softmax_is_the_same_where_a_key_is_left(seed: int, scale: float) -> None:
    text = model("Where(m, s, fill)")
    after, _ = fixed(text, CODE)
    np.testing.assert_allclose(run(after, feeds(seed, scale))[0], run(text, feeds(seed, scale))[0], rtol=1e-6)


def test_both_orders_of_choice() -> None:
    text = model("Where(m, fill, s)", scores="MatMul(q, k)")
    after, _ = fixed(text, CODE)
    given_ = feeds(1, 1.0) | {"m": ~feeds(1, 1.0)["m"]}
    np.testing.assert_allclose(run(after, given_)[0], run(text, given_)[0], rtol=1e-6)
    assert sorted(operators(after)) == ["Add", "MatMul", "Softmax", "Where"]


def test_with_rk202_and_rk203_everything_is_float() -> None:
    text = """g (int64[1, 8] mask, float[1, 2, 8, 4] q, float[1, 2, 4, 8] k) => (float[1, 2, 8, 8] y)
    <int64[4] shape = {1, 1, 1, 8}, float fill = {-3.4028235e38}> {
        s = MatMul(q, k)
        row = Reshape(mask, shape)
        real = Cast<to = 9>(row)
        drop = Not(real)
        w = Where(drop, fill, s)
        y = Softmax(w)
    }"""
    after, _ = fixed(text, "RK202", "RK203", CODE)
    assert not {"Where", "Not"} & set(operators(after))
    given_ = feeds(2, 1.0)
    given_["mask"] = np.array([[1, 1, 1, 7, 0, 0, -1, 0]], dtype=np.int64)
    del given_["m"]
    np.testing.assert_allclose(run(after, given_)[0], run(text, given_)[0], rtol=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        model("Where(m, s, fill)", fill="-5"),
        model("Where(m, s, fill)", more="r = Relu(w) y = Softmax(r)"),
        model("Where(m, s, s)"),
    ],
)
def test_other_choices_are_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()


def test_what_is_no_product_is_no_score() -> None:
    text = """g (bool[4, 8] m, float[4, 8] x) => (float[4, 8] y) <float fill = {-10000}> {
        w = Where(m, x, fill)
        y = Softmax(w)
    }"""
    assert diagnostics(text, CODE) == ()


def test_a_fill_that_is_too_small_to_be_added_is_refused() -> None:
    (refusal,) = fixed(model("Where(m, s, fill)", fill="-2000"), CODE)[1]
    assert isinstance(refusal, Refusal)
    assert "-2000" in refusal.reason


@pytest.mark.parametrize(("queries", "refused"), [("8, 1", True), ("1, 8", False)])
def test_a_mask_of_whole_queries_is_refused(queries: str, refused: bool) -> None:
    """DeBERTa masks queries as well as keys; a row without any key left has equal shares of the fill."""
    text = f"""g (int64[1, 8] mask, float[1, 2, 8, 4] q, float[1, 2, 4, 8] k) => (float[1, 2, 8, 8] y)
    <int64[4] row = {{1, 1, 1, 8}}, int64[4] other = {{1, 1, {queries}}}, float fill = {{-3.4e38}}> {{
        s = MatMul(q, k)
        keys = Reshape(mask, row) queries = Reshape(mask, other) both = Mul(keys, queries) keep = Cast<to = 9>(both)
        w = Where(keep, s, fill)
        y = Softmax(w)
    }}"""
    (edit,) = fixed(text, CODE)[1]
    assert isinstance(edit, Refusal) is refused
    if refused:
        assert "queries masks whole rows" in edit.reason  # type: ignore[union-attr]
