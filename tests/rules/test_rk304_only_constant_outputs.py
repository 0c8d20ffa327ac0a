from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rkgraph.diagnostics import Verdict
from tests.rules.harness import diagnostics, lint_text

CODE = "RK304"


@pytest.mark.parametrize(
    "model",
    [
        "g (float[4] x) => (int64[1] y) { y = Shape(x) }",
        "g () => (float[2] y) <float[2] c = {1, 2}> { y = Neg(c) }",
        "g (float[4] x) => (float[2] y, int64[1] z) <float[2] c = {1, 2}> { y = Neg(c) z = Shape(x) }",
        "g () => (float[2] y) { y = RandomNormal<shape = [2]>() }",
        "g (float[4] x) => (float[4] x) {}",
    ],
)
def test_a_model_of_constants_is_found_once(model: str) -> None:
    (found,) = diagnostics(model, CODE)
    assert str(found.at) == "model"
    assert lint_text(model, CODE).verdict is Verdict.BUILD_FAILS


@pytest.mark.parametrize(
    "model",
    [
        "g (float[4] x) => (float[4] y, int64[1] z) { y = Neg(x) z = Shape(x) }",
        "g (float[n] x) => (int64[1] y) { y = Shape(x) }",
        "g (float[2] x) => (float[2] y) { y = RandomNormalLike(x) }",
        "g (float[4] x) => (int64 y) { y = Size(x) }",
        "g (float[4] x) => (float[4] y) { y = Identity(x) }",
    ],
    ids=["one depends", "dynamic", "chance", "a size is computed", "handed on"],
)
def test_one_output_that_is_computed_is_enough(model: str) -> None:
    assert diagnostics(model, CODE) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("g (float[2, 3] x) => (int64[2] y) { y = Shape(x) }", [[2, 3]]),
        ("g (int64[3] x) => (int64[1] y) { y = Shape(x) }", [[3]]),
        (
            "g (float[4] x) => (float[2] y, int64[1] z) <float[2] c = {1, -2}> { y = Neg(c) z = Shape(x) }",
            [[-1, 2], [4]],
        ),
        (
            "g (int32[2] x) => (int32[2, 3] y) <int64[2] s = {2, 3}> { y = ConstantOfShape<value = int32[1] {0}>(s) }",
            [0],
        ),
        ("g (float[1] x) => (float y) <float c = {0.5}> { y = Neg(c) }", [-0.5]),
    ],
)
def test_constants_come_to_depend_on_an_input(text: str, expected: list[object], tmp_path: Path) -> None:
    from tests.engine.fixing import fix_text, run

    outcome = fix_text(text, tmp_path, CODE)
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
    assert diagnostics(outcome.model.proto(weights=True), CODE) == ()
    value = outcome.model.view().main.value("x")
    for number in (0, -3, 7):
        found = run(outcome, {"x": np.full(value.shape or (), number, value.dtype)})
        for array, wanted in zip(found.values(), expected, strict=True):
            np.testing.assert_array_equal(array, wanted)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("g (float[4099] x) => (int64[1] y) { y = Shape(x) }", "fp16"),
        ("g () => (float[2] y) <float[2] c = {1, 2}> { y = Neg(c) }", "no input"),
    ],
)
def test_what_cannot_be_written_so_is_refused(text: str, reason: str, tmp_path: Path) -> None:
    from tests.engine.fixing import fix_text

    (refused,) = fix_text(text, tmp_path, CODE).fixes.refused
    assert reason in refused.reason
