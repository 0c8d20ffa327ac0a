from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rkgraph.diagnostics import Safety
from tests.engine.fixing import fix_text
from tests.rules.rewriting import fixed, operators, run

CODE = "RK196"
HEADER = '<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>'
WEIGHTS = "int8[4, 2] w = {1, -2, 3, 40, -50, 60, 70, 8}, float[2] c = {10, -20}"
EACH = f"{WEIGHTS}, float[2] ws = {{0.1, 0.2}}, int8[2] wz = {{3, -4}}"
ONE = f"{WEIGHTS}, float[1] ws = {{0.1}}, int8[1] wz = {{3}}"


def model(body: str, constants: str) -> str:
    return f"{HEADER} g (float[2, 3, 4] x) => (float[2, 3, 2] y) <{constants}> {{ {body} }}"


@pytest.mark.parametrize("constants", [EACH, ONE])
@pytest.mark.parametrize(
    "body",
    [
        "y = com.microsoft.DynamicQuantizeMatMul(x, w, ws, wz, c)",
        "y = com.microsoft.DynamicQuantizeMatMul(x, w, ws, wz)",
        'y = com.microsoft.DynamicQuantizeMatMul(x, w, ws, "", c)',
        "q, s, z = DynamicQuantizeLinear(x) y = com.microsoft.MatMulIntegerToFloat(q, w, s, ws, z, wz, c)",
    ],
)
def test_the_product_is_near_and_proved(body: str, constants: str, tmp_path: Path) -> None:
    text = model(body, constants)
    outcome = fix_text(text, tmp_path, CODE, allow=frozenset({Safety.APPROXIMATE}))
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
    after, _ = fixed(text, CODE)
    assert "DynamicQuantizeLinear" not in operators(after)
    feeds = {"x": np.random.default_rng(0).normal(0, 2, (2, 3, 4)).astype("f")}
    old, new = (np.asarray(run(each, feeds)[0], "f8") for each in (text, after))
    assert np.linalg.norm(new - old) <= 0.03 * np.linalg.norm(old)


def test_numbers_that_were_quantised_otherwise_are_dequantised() -> None:
    text = f"""{HEADER} g (uint8[2, 3, 4] q, float s) => (float[2, 3, 2] y) <{EACH}, uint8 z = {{100}}>
    {{ y = com.microsoft.MatMulIntegerToFloat(q, w, s, ws, z, wz) }}"""
    after, _ = fixed(text, CODE)
    feeds = {"q": np.random.default_rng(0).integers(0, 256, (2, 3, 4)).astype("u1"), "s": np.array(0.05, "f")}
    old, new = (np.asarray(run(each, feeds)[0], "f8") for each in (text, after))
    np.testing.assert_allclose(new, old, rtol=1e-4, atol=1e-4)
