from __future__ import annotations

import numpy as np
import pytest

from rkgraph.graph.rewrite import Refusal
from tests.rules.harness import diagnostics, lint_text
from tests.rules.rewriting import fixed, operators, run

CODE = "RK506"


def model(guard: str, mask: str = "m", fill: str = "-10000") -> str:
    return f"""g (float[1, 1, 1, 8] m, bool[1, 1, 1, 8] keep, float[1, 2, 8, 4] q, float[1, 2, 4, 8] k)
    => (float[1, 2, 8, 8] y) <float zero = {{0}}, float fill = {{{fill}}}> {{
        s = MatMul(q, k)
        chosen = Where(keep, zero, fill)
        masked = Add(s, {mask})
        p = Softmax(masked)
        bad = IsNaN(p)
        {guard}
    }}"""


DROP = "y = Where(bad, zero, p)"
KEEP = "good = Not(bad) y = Where(good, p, zero)"


def feeds() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        "m": np.where(np.arange(8) < 5, 0, -1e4).astype(np.float32).reshape(1, 1, 1, 8),
        "keep": (np.arange(8) < 5).reshape(1, 1, 1, 8),
        "q": random.normal(size=(1, 2, 8, 4)).astype(np.float32),
        "k": random.normal(size=(1, 2, 4, 8)).astype(np.float32),
    }


@pytest.mark.parametrize("guard", [DROP, KEEP])
@pytest.mark.parametrize("mask", ["m", "chosen"])
def test_the_guard_goes_and_results_stay(guard: str, mask: str) -> None:
    text = model(guard, mask)
    after, _ = fixed(text, CODE)
    assert "IsNaN" not in operators(after)
    np.testing.assert_array_equal(run(after, feeds())[0], run(text, feeds())[0])


@pytest.mark.parametrize("fill", ["-inf", "-3.4e38"])
def test_while_rows_may_be_nan_it_is_refused(fill: str) -> None:
    (refusal,) = fixed(model(DROP, "chosen", fill), CODE)[1]
    assert isinstance(refusal, Refusal)
    assert "RK203" in refusal.reason


def test_after_rk203_it_is_not() -> None:
    after, edits = fixed(model(DROP, "chosen", "-inf"), "RK203", CODE)
    assert not any(isinstance(edit, Refusal) for edit in edits)
    assert "IsNaN" not in operators(after)


@pytest.mark.parametrize("guard", ["y = Where(bad, s, p)", "y = Where(bad, p, zero)", "y = Where(bad, zero, s)"])
def test_other_choices_are_left_alone(guard: str) -> None:
    assert diagnostics(model(guard), CODE) == ()


def test_the_missing_kernel_is_explained_by_it() -> None:
    found = {d.code: d for d in lint_text(model(DROP), "RK101", CODE).diagnostics if d.at.op in ("IsNaN", "Where")}
    assert found[CODE].cause


@pytest.mark.parametrize("guard", ["other = Not(same) y = Where(other, zero, p)", "y = Where(same, p, zero)"])
def test_a_guard_written_as_comparisons_goes_too(guard: str) -> None:
    text = model(guard).replace("bad = IsNaN(p)", "same = Equal(p, p)")
    after, _ = fixed(text, CODE)
    assert "Equal" not in operators(after)
    np.testing.assert_array_equal(run(after, feeds())[0], run(text, feeds())[0])
