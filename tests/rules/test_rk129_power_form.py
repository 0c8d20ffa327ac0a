from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.elementwise import POINTS, result, rewritten
from tests.rules.harness import diagnostics
from tests.rules.rewriting import operators

CODE = "RK129"
EXPONENTS = {"0.25": 2, "1.5": 2, "4": 2, "6": 2, "8": 3, "9": 2}


def power(exponent: str, shape: str = "5, 8", *, opset: int = 17, kind: str = "float") -> str:
    return f"""<ir_version: 8, opset_import: ["" : {opset}]> g (float[{shape}] x) => (float[{shape}] y)
    <{kind} e = {{{exponent}}}> {{ y = Pow(x, e) }}"""


@pytest.mark.parametrize("exponent", EXPONENTS)
@pytest.mark.parametrize("opset", [7, 12, 15])
def test_powers_in_steps(exponent: str, opset: int) -> None:
    text = power(exponent, opset=opset)
    feeds = {"x": POINTS.astype(np.float32).reshape(5, 8)}
    after = rewritten(text, CODE)
    np.testing.assert_allclose(result(after, feeds), result(text, feeds), rtol=1e-5, atol=1e-30)
    assert len(operators(after)) == EXPONENTS[exponent]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3), st.integers(0, 2), st.integers(0, 2**31))
def test_a_base_of_lower_rank(rank: int, missing: int, seed: int) -> None:
    sizes = (2, 3, 4)[3 - rank :]
    base = sizes[missing:] if missing < rank else sizes
    random = np.random.default_rng(seed)
    x, z = random.uniform(0.1, 3, base).astype(np.float32), random.uniform(-2, 2, sizes).astype(np.float32)
    one, other = (", ".join(map(str, array.shape)) for array in (x, z))
    text = f"g (float[{one}] x, float[{other}] z) => (float[{other}] y) {{ y = Pow(x, z) }}"
    found = diagnostics(text, CODE)
    assert len(found) <= (len(base) < len(sizes))
    if found:
        feeds = {"x": x, "z": z}
        after = rewritten(text, CODE)
        np.testing.assert_array_equal(result(after, feeds), result(text, feeds))
        assert operators(after) == ["Expand", "Pow"]


def test_a_list_to_the_power_of_rank_three_does_not_build() -> None:
    text = "g (float[4] x, float[2, 3, 4] z) => (float[2, 3, 4] y) { y = Pow(x, z) }"
    assert len(diagnostics(text, CODE)) == 1


@pytest.mark.parametrize("exponent", ["2", "3", "0.5", "-0.5", "1", "2.5", "5", "-1", "-2", "0"])
def test_what_the_npu_has_and_what_has_no_steps_are_left_alone(exponent: str) -> None:
    assert diagnostics(power(exponent), CODE) == ()


def test_exponents_of_another_dtype_and_vectors_are_left_alone() -> None:
    assert diagnostics(power("4", kind="int64"), CODE) == ()
    vector = "g (float[2, 2] x) => (float[2, 2] y) <float[2] e = {4, 4}> { y = Pow(x, e) }"
    assert diagnostics(vector, CODE) == ()


def test_the_engine_proves_it(tmp_path: Path) -> None:
    from tests.engine.fixing import fix_text

    for exponent in EXPONENTS:
        outcome = fix_text(power(exponent), tmp_path, CODE)
        assert [fix.code for fix in outcome.fixes.applied] == [CODE]
        assert {proof.outcome for proof in outcome.proofs} == {"proved"}
