from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.engine.fixing import fix_text, run
from tests.rules.harness import diagnostics

CODE = "RK318"


@pytest.mark.parametrize(
    ("output", "body", "expected"),
    [
        ("int64[2]", "z = Shape(x)", [2, 3]),
        ("float[3]", "z = Neg(c)", [-1, 0, 2]),
        ("bool[2]", "s = Shape(x) z = Cast<to = 9>(s)", [True, True]),
        ("double[3]", "d = Cast<to = 11>(c) z = Neg(d)", [-1, 0, 2]),
    ],
)
def test_a_constant_beside_others_comes_to_depend_on_an_input(
    output: str, body: str, expected: list[float], tmp_path: Path
) -> None:
    text = f"g (float[2, 3] x) => (float[2, 3] y, {output} z) <float[3] c = {{1, 0, -2}}> {{ y = Relu(x) {body} }}"
    assert [found.at.value for found in diagnostics(text, CODE)] == ["z"]
    outcome = fix_text(text, tmp_path, CODE)
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
    assert diagnostics(outcome.model.proto(weights=True), CODE) == ()
    for number in (0.0, -7.0, 6e4):
        found = run(outcome, {"x": np.full((2, 3), number, np.float32)})
        np.testing.assert_array_equal(found["z"], expected)


@pytest.mark.parametrize(
    "text",
    [
        "g (float[4] x) => (float[4] y, float[4] z) { y = Relu(x) z = Neg(x) }",
        "g (float[4] x) => (int64[1] y) { y = Shape(x) }",
    ],
    ids=["none", "all"],
)
def test_models_of_one_kind_of_outputs_are_left(text: str) -> None:
    assert diagnostics(text, CODE) == ()


def test_whole_numbers_that_fp16_does_not_hold_are_refused(tmp_path: Path) -> None:
    text = "g (float[4099] x) => (float[4099] y, int64[1] z) { y = Relu(x) z = Shape(x) }"
    (refused,) = fix_text(text, tmp_path, CODE).fixes.refused
    assert "fp16" in refused.reason
