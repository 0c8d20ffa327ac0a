from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.rules.elementwise import NUMPY, refusal, result, rewritten
from tests.rules.harness import diagnostics
from tests.rules.rewriting import operators

CODE = "RK126"
NUMBERS = [0.0, -0.0, np.nan, np.inf, -np.inf, 1.0, -1.0, 0.5, 65504.0, -65504.0, 6e-8, 1e4]
CALLS = ["IsNaN", "IsInf", "IsInf<detect_negative = 0>", "IsInf<detect_positive = 0>"]


def model(call: str, opset: int, dtype: str = "float", shape: str = "3, 4") -> str:
    return (
        f'<ir_version: 8, opset_import: ["" : {opset}]> g ({dtype}[{shape}] x) => (bool[{shape}] y) {{ y = {call}(x) }}'
    )


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("opset", [10, 11, 13, 20])
@pytest.mark.parametrize("dtype", ["float", "double"])
def test_the_same_answers(call: str, opset: int, dtype: str) -> None:
    feeds = {"x": np.array([*NUMBERS[:-2], 3e38, 1e-40]).astype(NUMPY[dtype]).reshape(3, 4)}
    text = model(call, opset, dtype)
    after = rewritten(text, CODE)
    np.testing.assert_array_equal(result(after, feeds), result(text, feeds))
    assert not {"IsNaN", "IsInf", "Or"} & set(operators(after))


@pytest.mark.parametrize("call", CALLS)
def test_halves(call: str) -> None:
    x = np.array(NUMBERS, np.float16).reshape(3, 4)
    wanted = result(model(call, 13), {"x": x.astype(np.float32)})
    np.testing.assert_array_equal(result(rewritten(model(call, 20, "float16"), CODE), {"x": x}), wanted)


def test_what_detects_nothing_is_refused() -> None:
    assert "constant" in refusal(model("IsInf<detect_negative = 0, detect_positive = 0>", 13), CODE)


def test_comparisons_are_left_alone() -> None:
    assert diagnostics("g (float[2] x, float[2] z) => (bool[2] y) { y = Equal(x, z) }", CODE) == ()


def test_the_engine_proves_it(tmp_path: Path) -> None:
    from tests.engine.fixing import fix_text

    text = "g (float[2, 3] x) => (bool[2, 3] y) { a = IsNaN(x) b = IsInf(x) y = And(a, b) }"
    outcome = fix_text(text, tmp_path, CODE)
    assert [fix.code for fix in outcome.fixes.applied] == [CODE] * 2
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
