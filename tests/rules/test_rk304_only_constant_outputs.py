from __future__ import annotations

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
