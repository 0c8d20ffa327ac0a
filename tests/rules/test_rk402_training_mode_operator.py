from __future__ import annotations

import pytest

from rkgraph.diagnostics import Verdict
from tests.rules.harness import diagnostics, lint_text

CODE = "RK402"


def dropout(inputs: str, training: int = 1) -> str:
    return f"""g (float[1, 8] x, bool mode) => (float[1, 8] y)
    <float ratio = {{0.1}}, bool training = {{{training}}}> {{
        d = Dropout({inputs})
        y = Relu(d)
    }}"""


BATCH_NORM = """g (float[1, 3, 4, 4] x) => (float[1, 3, 4, 4] y) <float[3] a = {{1, 1, 1}}, float[3] b = {{0, 0, 0}}> {{
    y {more} = BatchNormalization<training_mode = {mode}>(x, a, b, b, a)
}}"""


@pytest.mark.parametrize(
    ("model", "count"),
    [
        (dropout("x, ratio, training"), 1),
        (dropout("x, , training"), 1),
        (dropout("x, ratio, training", 0), 0),
        (dropout("x, ratio"), 0),
        (dropout("x"), 0),
        (dropout("x, ratio, mode"), 0),
        (BATCH_NORM.format(more=", m, v", mode=1), 1),
        (BATCH_NORM.format(more="", mode=0), 0),
    ],
)
def test_only_a_mode_that_is_switched_on_is_found(model: str, count: int) -> None:
    assert [d.at.op for d in diagnostics(model, CODE)] == [
        "Dropout" if "Dropout" in model else "BatchNormalization"
    ] * count


def test_the_verdict_is_that_the_build_fails() -> None:
    assert lint_text(dropout("x, ratio, training"), CODE).verdict is Verdict.BUILD_FAILS
