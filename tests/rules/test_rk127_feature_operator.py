from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.elementwise import NUMPY, Array, refusal, result, rewritten
from tests.rules.harness import diagnostics
from tests.rules.rewriting import operators

CODE = "RK127"


def model(body: str, declared: str, imports: str = '"" : 17, "ai.onnx.ml" : 3') -> str:
    return f"<ir_version: 8, opset_import: [{imports}]> g {declared} {{ y = ai.onnx.ml.{body} }}"


@pytest.mark.parametrize("dtype", ["float", "double", "int64"])
@pytest.mark.parametrize("threshold", [None, 0.5, -2.0])
def test_above_the_threshold(dtype: str, threshold: float | None) -> None:
    given_threshold = "" if threshold is None else f"<threshold = {threshold}>"
    text = model(f"Binarizer{given_threshold}(x)", f"({dtype}[2, 4] x) => ({dtype}[2, 4] y)")
    x = np.array([[0, 0.5, 0.50001, -2], [-2.5, 3, 1, 0.25]]).astype(NUMPY[dtype])
    after = rewritten(text, CODE)
    wanted = (x > np.asarray(threshold or 0.0, x.dtype)).astype(x.dtype)  # ONNX Runtime has float only
    np.testing.assert_array_equal(result(after, {"x": x}), wanted)
    assert operators(after) == ["Greater", "Cast"]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 3), max_size=2), st.sampled_from([(3,), (1,), (1, 3), (1, 1)]), st.integers(0, 2**31))
def test_elements_of_the_last_axis(front: list[int], wanted: tuple[int, ...], seed: int) -> None:
    random = np.random.default_rng(seed)
    x = random.normal(size=(*front, 5)).astype(np.float32)
    which = random.integers(0, 5, wanted)
    out = [*(front or [1]), which.size]
    text = model(
        "ArrayFeatureExtractor(x, which)",
        f"(float[{', '.join(map(str, x.shape))}] x, int64[{', '.join(map(str, wanted))}] which) "
        f"=> (float[{', '.join(map(str, out))}] y)",
    )
    feeds: dict[str, Array] = {"x": x, "which": which}
    np.testing.assert_array_equal(result(rewritten(text, CODE), feeds), result(text, feeds))


def test_another_domain_and_other_operators_are_left_alone() -> None:
    scaler = model("Scaler<offset = [0.5], scale = [2.0]>(x)", "(float[1, 8] x) => (float[1, 8] y)")
    assert diagnostics(scaler, CODE) == ()


def test_without_the_standard_domain_it_waits() -> None:
    text = model("Binarizer(x)", "(float[2, 4] x) => (float[2, 4] y)", '"ai.onnx.ml" : 1')
    assert "RK119" in refusal(text, CODE)


def test_the_engine_imports_the_domain_and_proves_it(tmp_path: Path) -> None:
    from tests.engine.fixing import fix_text

    text = model("Binarizer(x)", "(float[2, 4] x) => (float[2, 4] y)", '"ai.onnx.ml" : 1')
    outcome = fix_text(text, tmp_path, "RK119", CODE)
    assert sorted(fix.code for fix in outcome.fixes.applied) == ["RK119", CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
