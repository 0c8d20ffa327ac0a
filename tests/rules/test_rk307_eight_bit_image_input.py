from __future__ import annotations

import pytest

from rkgraph.diagnostics import Verdict
from rkgraph.engine.lint import lint_view
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target
from tests.rulebook.builders import op, table
from tests.rules.harness import diagnostics, lint_text, view_of

CODE = "RK307"


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize(
    ("shape", "count"),
    [
        ("1, 3, 8, 8", 1),
        ("2, 4, 5, 6", 1),
        ("1, 1, 8, 8", 0),
        ("1, 2, 8, 8", 0),
        ("1, 5, 8, 8", 0),
        ("1, 3, 8", 0),
        ("1, 3, 8, 8, 8", 0),
    ],
)
def test_both_sides_of_what_looks_like_a_picture(dtype: str, shape: str, count: int) -> None:
    model = f"g ({dtype}[{shape}] x) => ({dtype}[{shape}] y) {{ y = Identity(x) }}"
    assert len(diagnostics(model, CODE)) == count
    if count:
        assert lint_text(model, CODE).verdict is Verdict.BUILD_FAILS


@pytest.mark.parametrize("dtype", ["float", "float16", "bool", "int32", "int64"])
def test_other_dtypes_are_taken(dtype: str) -> None:
    assert diagnostics(f"g ({dtype}[1, 3, 8, 8] x) => ({dtype}[1, 3, 8, 8] y) {{ y = Identity(x) }}", CODE) == ()


def test_an_input_of_which_only_the_shape_is_read_is_gone_by_then() -> None:
    assert (
        diagnostics("g (uint8[1, 3, 8, 8] x, float[4] z) => (int64[4] y, float[4] w) { y = Shape(x) w = Neg(z) }", CODE)
        == ()
    )


def test_what_was_not_measured_is_not_claimed() -> None:
    view = view_of("g (uint8[1, 3, 8, 8] x) => (uint8[1, 3, 8, 8] y) { y = Identity(x) }")
    ruleset = RuleSet("test", "2.3.2", (CODE,))
    quantized = lint_view(view, Target("rk3588", "2.3.2", "w8a8"), ruleset, table=table(op("Identity", "npu")))
    assert quantized.diagnostics == ()
