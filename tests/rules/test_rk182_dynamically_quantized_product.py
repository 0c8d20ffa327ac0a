from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.diagnostics import Safety
from tests.engine.fixing import fix_text
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK182"
PER_COLUMN = "float[4] w_scale = {0.01, 0.02, 0.005, 0.04}, int8[4] w_zero = {0, 3, -5, 7}"
PER_TENSOR = "float w_scale = {0.02}, int8 w_zero = {3}"


def product(*, scales: str = PER_TENSOR, first: str = "x_scale", second: str = "w_scale", tail: str = "") -> str:
    weights = ", ".join(str(number * 37 % 255 - 127) for number in range(24))
    return f"""g (float[2, 5, 6] x) => (float[2, 5, 4] y)
    <int8[6, 4] w = {{{weights}}}, {scales}>
    {{
        q, x_scale, x_zero = DynamicQuantizeLinear(x)
        scale = Mul({first}, {second})
        whole = MatMulInteger(q, w, x_zero, w_zero)
        real = Cast<to = 1>(whole)
        y = Mul(real, scale)
        {tail}
    }}"""


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 1000),
    spread=st.sampled_from([0.01, 1.0, 300.0]),
    scales=st.sampled_from([PER_TENSOR, PER_COLUMN]),
)
def test_the_product_is_near(seed: int, spread: float, scales: str) -> None:
    text = product(scales=scales)
    after, _ = fixed(text, CODE)
    assert operators(after)[-1] == "MatMul"
    x = np.random.default_rng(seed).normal(0, spread, (2, 5, 6)).astype("f")
    old, new = (np.asarray(run(model, {"x": x})[0], "f8") for model in (text, after))
    assert np.linalg.norm(new - old) <= 0.03 * np.linalg.norm(old)


def test_scales_may_stand_in_either_order() -> None:
    assert len(diagnostics(product(first="w_scale", second="x_scale"), CODE)) == 1


def test_other_scales_are_no_dequantisation() -> None:
    assert diagnostics(product(first="w_scale", second="w_scale"), CODE) == ()


def test_integers_that_somebody_else_reads_are_left_alone() -> None:
    text = product().replace("(float[2, 5, 4] y)", "(float[2, 5, 4] y, int32[2, 5, 4] whole)")
    assert diagnostics(text, CODE) == ()


def test_both_operands_may_be_activations() -> None:
    text = """g (float[2, 3] a, float[3, 4] b) => (float[2, 4] y)
    {
        qa, a_scale, a_zero = DynamicQuantizeLinear(a)
        qb, b_scale, b_zero = DynamicQuantizeLinear(b)
        scale = Mul(b_scale, a_scale)
        whole = MatMulInteger(qa, qb, a_zero, b_zero)
        real = Cast<to = 1>(whole)
        y = Mul(real, scale)
    }"""
    assert operators(fixed(text, CODE)[0]) == ["MatMul"]


@pytest.mark.parametrize("scales", [PER_TENSOR, PER_COLUMN])
def test_the_engine_proves_it(scales: str, tmp_path: Path) -> None:
    outcome = fix_text(product(scales=scales), tmp_path, CODE, allow=frozenset({Safety.APPROXIMATE}))
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}


def test_wrong_weights_would_be_refuted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rkgraph.rules import rk182_dynamically_quantized_product as rule

    monkeypatch.setattr(rule, "FLOATS", {"MatMulInteger": "Add"})
    outcome = fix_text(product(), tmp_path, CODE, allow=frozenset({Safety.APPROXIMATE}))
    assert outcome.is_refuted
    assert outcome.fixes.applied == ()
