from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.elementwise import NUMPY, POINTS, agree, node, numbers, result, rewritten
from tests.rules.harness import diagnostics
from tests.rules.rewriting import operators

CODE = "RK124"
OPS = ["Tan", "Sinh", "Cosh"]
EXACT = {"Tan": np.tan, "Sinh": np.sinh, "Cosh": np.cosh}


@pytest.mark.parametrize("op", OPS)
def test_the_same_function_at_every_size_of_numbers(op: str) -> None:
    agree(node(op, (5, 8), opset=9), CODE, {"x": POINTS.astype(np.float32).reshape(5, 8)}, rtol=2e-5, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(OPS), numbers)
def test_the_numbers_stay(op: str, values: list[float]) -> None:
    agree(node(op), CODE, {"x": np.array(values, np.float32).reshape(2, 3)}, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize(("dtype", "error"), [("float16", 3e-3), ("double", 2e-5)])
def test_in_fp16_too_small_numbers_keep_their_digits_and_large_ones_do_not_overflow(
    op: str, dtype: str, error: float
) -> None:
    x = np.linspace(-11.7, 11.7, 400).astype(np.float16)
    x = np.concatenate([x, x / np.float16(1000)]).reshape(2, -1)
    after = rewritten(node(op, x.shape, dtype=dtype), CODE)
    wanted = EXACT[op](x.astype(np.float64))
    assert np.isfinite(wanted.astype(np.float16)).all()
    np.testing.assert_allclose(result(after, {"x": x.astype(NUMPY[dtype])}).astype(np.float64), wanted, rtol=error)


def test_it_needs_no_differences_of_exponentials() -> None:
    assert operators(rewritten(node("Sinh"), CODE)).count("Exp") == 1


def test_what_runs_is_left_alone() -> None:
    assert diagnostics(node("Tanh"), CODE) == () == diagnostics(node("Sin"), CODE)


def test_the_engine_proves_it(tmp_path: Path) -> None:
    from tests.engine.fixing import fix_text

    text = "g (float[2, 3] x) => (float[2, 3] y) { a = Tan(x) b = Sinh(x) c = Cosh(x) d = Add(a, b) y = Add(d, c) }"
    outcome = fix_text(text, tmp_path, CODE)
    assert [fix.code for fix in outcome.fixes.applied] == [CODE] * 3
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
