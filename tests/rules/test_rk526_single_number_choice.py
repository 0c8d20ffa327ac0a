from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.elementwise import result, rewritten
from tests.rules.harness import diagnostics
from tests.rules.lowered import refusal_of

CODE = "RK526"
SHAPES = ((1,), (1, 1), (3,), (2, 3), (1, 1, 3), (1, 1, 1, 1), (2, 1, 1, 3))


def text_of(condition: tuple[int, ...], x: tuple[int, ...], y: tuple[int, ...]) -> str:
    out = np.broadcast_shapes(condition, x, y)
    told = [", ".join(map(str, shape)) for shape in (condition, x, y, out)]
    return f"""g (float[{told[0]}] s, float[{told[1]}] a, float[{told[2]}] b) => (float[{told[3]}] y)
    <float zero = {{0}}> {{ c = Less(s, zero) p = Neg(a) q = Neg(b) y = Where(c, p, q) }}"""


@settings(max_examples=40, deadline=None)
@given(*[st.sampled_from(SHAPES)] * 3, st.integers(0, 2**31), st.sampled_from([0.0, np.inf, np.nan]))
def test_what_is_alone_is_repeated(
    condition: tuple[int, ...], x: tuple[int, ...], y: tuple[int, ...], seed: int, odd: float
) -> None:
    text, random = text_of(condition, x, y), np.random.default_rng(seed)
    found = 1 in (math.prod(x), math.prod(y))
    assert len(diagnostics(text, CODE)) == found
    if found:
        feeds = {
            n: random.normal(size=shape).astype(np.float32) for n, shape in zip("sab", (condition, x, y), strict=True)
        }
        feeds["a"].flat[0] += odd
        after = rewritten(text, CODE)
        np.testing.assert_array_equal(result(after, feeds), result(text, feeds))
        assert diagnostics(after, CODE) == ()


@pytest.mark.parametrize(
    "text",
    [
        "g (bool[3] c, float[3] x) => (float[3] y) <float z = {1}> { y = Where(c, x, z) }",
        "g (bool[1] c, int64[1] x, int64[1] z) => (int64[1] y) { y = Where(c, x, z) }",
        "g (bool c, float x, float z) => (float y) { y = Where(c, x, z) }",
    ],
)
def test_constants_and_other_dtypes_are_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()


def test_a_constant_beside_a_lonely_number_is_refused() -> None:
    assert "constant" in refusal_of(
        "g (bool[1] c, float[1] x) => (float[1] y) <float z = {1}> { y = Where(c, x, z) }", CODE
    )


def test_the_engine_proves_it(tmp_path: Path) -> None:
    from tests.engine.fixing import fix_text

    outcome = fix_text(text_of((1,), (1,), (1,)), tmp_path, CODE)
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
