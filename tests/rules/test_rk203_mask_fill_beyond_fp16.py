from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.diagnostics import Safety
from rkgraph.graph.rewrite import Refusal, Rewrite
from tests.engine.fixing import fix_text
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, run

CODE = "RK203"


def model(body: str, fill: str = "-3.4028235e38", more: str = "") -> str:
    return f"""g (bool[1, 1, 4, 4] keep, float[1, 1, 4, 4] lost, float[1, 2, 4, 4] s) => (float[1, 2, 4, 4] y{more})
    <float zero = {{0}}, float fill = {{{fill}}}, int64[4] shape = {{1, 1, 4, 4}}, int64[4] perm = {{0, 1, 2, 3}}> {{
        {body}
        y = Softmax(masked)
    }}"""


ADDED = "added = Where(keep, zero, fill) masked = Add(s, added)"
CHOSEN = "masked = Where(keep, s, fill)"
TIMES = "added = Mul(lost, fill) masked = Add(s, added)"
MOVED = "a = Where(keep, zero, fill) b = Transpose<perm = [0, 1, 2, 3]>(a) c = Expand(b, shape) masked = Add(c, s)"
TWICE = "a = Where(keep, zero, fill) b = Add(a, a) masked = Add(s, b)"


@pytest.mark.parametrize("body", [ADDED, CHOSEN, TIMES, MOVED, TWICE])
@pytest.mark.parametrize("fill", ["-3.4028235e38", "-1e9", "-65505"])
def test_the_softmax_is_the_same_where_a_key_is_left(body: str, fill: str) -> None:
    text = model(body, fill)
    after, edits = fixed(text, CODE)
    assert [type(edit) for edit in edits] == [Rewrite]
    _compare(text, after, np.random.default_rng(3).normal(size=(1, 2, 4, 4)) * 20)


def test_minus_infinity_too() -> None:
    text = model(ADDED, "-inf")
    after, _ = fixed(text, CODE)
    _compare(text, after, np.zeros((1, 2, 4, 4)))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-2000, 2000, width=32), min_size=32, max_size=32))
def test_any_scores_within_two_thousand(scores: list[float]) -> None:
    text = model(CHOSEN)
    after, _ = fixed(text, CODE)
    _compare(text, after, np.array(scores).reshape(1, 2, 4, 4))


def _compare(before: object, after: object, scores: np.ndarray) -> None:
    keep = np.tril(np.ones((1, 1, 4, 4), dtype=bool))
    feeds = {"keep": keep, "lost": (~keep).astype(np.float32), "s": scores.astype(np.float32)}
    used = {i.name: feeds[i.name] for i in after.graph.input}  # type: ignore[attr-defined]
    np.testing.assert_allclose(run(after, used)[0], run(before, used)[0], rtol=1e-6, atol=0)  # type: ignore[arg-type]


def test_a_wholly_masked_row_is_finite_afterwards() -> None:
    text = model(ADDED, "-inf")
    after, _ = fixed(text, CODE)
    feeds = {
        "keep": np.zeros((1, 1, 4, 4), dtype=bool),
        "lost": np.ones((1, 1, 4, 4), dtype=np.float32),
        "s": np.zeros((1, 2, 4, 4), dtype=np.float32),
    }
    assert np.isnan(run(text, feeds)[0]).all()
    assert np.isfinite(run(after, feeds)[0]).all()


@pytest.mark.parametrize(("fill", "count"), [("-65504", 0), ("-65505", 1), ("65505", 0), ("-10000", 0)])
def test_the_limit_is_that_of_fp16(fill: str, count: int) -> None:
    assert len(diagnostics(model(ADDED, fill), CODE)) == count


def test_as_a_factor_the_sign_does_not_matter() -> None:
    assert len(diagnostics(model(TIMES, "1e9"), CODE)) == 1


def test_infinity_as_a_factor_is_refused() -> None:
    (refusal,) = fixed(model(TIMES, "-inf"), CODE)[1]
    assert isinstance(refusal, Refusal)
    assert "NaN" in refusal.reason


def test_what_else_is_read_is_refused() -> None:
    (refusal,) = fixed(model(ADDED + " r = Relu(added)", more=", float[1, 1, 4, 4] r"), CODE)[1]
    assert isinstance(refusal, Refusal)
    assert "Relu" in refusal.reason


def test_a_constant_of_a_shape_is_a_fill_too() -> None:
    text = """g (float[1, 2, 4, 4] s) => (float[1, 2, 4, 4] y) <int64[2] shape = {4, 4}, int64 one = {1}> {
        full = ConstantOfShape<value = float[1] {-inf}>(shape)
        upper = Trilu(full, one)
        masked = Add(s, upper)
        y = Softmax(masked)
    }"""
    (found,) = diagnostics(text, CODE)
    assert found.at.op == "ConstantOfShape"
    after, _ = fixed(text, CODE)
    feeds = {"s": np.random.default_rng(0).normal(size=(1, 2, 4, 4)).astype(np.float32)}
    np.testing.assert_allclose(run(after, feeds)[0], run(text, feeds)[0], rtol=1e-6)


def test_an_operator_with_fewer_inputs_is_no_mistake() -> None:
    assert diagnostics("g (float[1, 8] x) => (float[1, 8] y) { a = Max(x) y = Softmax(a) }", CODE) == ()


def test_a_constant_added_to_the_scores_themselves_is_proved(tmp_path: Path) -> None:
    text = """g (float[1, 2, 2, 2] s) => (float[1, 2, 2, 2] y) <float[2, 2] mask = {0, -inf, 0, 0}> {
        masked = Add(s, mask)
        y = Softmax(masked)
    }"""
    outcome = fix_text(text, tmp_path, CODE, allow=frozenset({Safety.FP16_RANGE}))
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
    assert {p.outcome for p in outcome.proofs} == {"proved"}
