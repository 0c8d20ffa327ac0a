from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rkgraph.rulebook.rule import Options
from tests.engine.fixing import fix_text
from tests.rules.harness import diagnostics

CODE = "RK320"
CONSTANTS = "<int64 zero = {0}, int64 one = {1}, int64[1] eight = {8}, float[8] table = {0, 1, 2, 3, 4, 5, 6, 7}>"
COUNT = "r = Range(zero, n, one) f = Cast<to = 1>(r) h = ReduceSum<keepdims = 0>(f) y = Add(x, h)"
BRANCH = """y = If(c) <then_branch = t () => (float[8] a) { a = Neg(x) },
                       else_branch = e () => (float[8] b) { b = Abs(x) }>"""
LAST = "r = Range(zero, n, one) t = ReduceMax<keepdims = 0>(r)"
MASK = "f = Cast<to = 1>(n) k = Less(table, f) m = Cast<to = 1>(k) y = Mul(x, m)"


def model(body: str, more: str = "int64 n", out: str = "float[8]") -> str:
    return f"g (float[8] x, {more}) => ({out} y) {CONSTANTS} {{ {body} }}"


@pytest.mark.parametrize(
    ("body", "more", "option"),
    [
        ("y = Reshape(x, s)", "int64[2] s", "--freeze s=FILE.npy"),
        ("y = ReduceSum(x, a)", "int64[1] a", "--freeze a=NUMBER"),
        ("p = Add(s, s) c = Concat<axis = 0>(p, eight) y = Expand(x, c)", "int64[1] s", "--freeze s=NUMBER"),
        (COUNT, "int64 n", "--freeze n=NUMBER"),
        (BRANCH, "bool c", "--freeze c=NUMBER"),
    ],
    ids=["shape", "axes", "computed", "a count", "a branch"],
)
def test_the_option_that_makes_it_a_constant_is_named(body: str, more: str, option: str) -> None:
    (found,) = diagnostics(model(body, more, "float[...]".replace("[...]", "[2, 4]")), CODE)
    assert option in found.message


@pytest.mark.parametrize(
    "body",
    [
        f"{LAST} {MASK.replace('y = Mul', 'v = Mul')} q = Cast<to = 1>(t) y = Div(v, q)",
        "s = Unsqueeze(n, eight) p = Slice(x, eight, s) f = Cast<to = 1>(n) y = Div(p, f)",
    ],
    ids=["a mask", "a mean"],
)
def test_a_length_that_is_a_number_as_well_is_not_to_be_frozen(body: str) -> None:
    (found,) = diagnostics(model(body), CODE)
    assert "--freeze" not in found.message
    assert "only" in found.message
    assert found.observed["numbers"]


@pytest.mark.parametrize("body", [MASK, "f = Cast<to = 1>(n) y = Mul(x, f)"])
def test_a_length_that_is_data_only_stays_data(body: str) -> None:
    assert diagnostics(model(body), CODE) == ()


def test_shapes_of_inputs_are_no_settings() -> None:
    assert diagnostics("g (float[8] x, float[8] z) => (float[8] y) { s = Shape(z) y = Expand(x, s) }", CODE) == ()


def test_what_a_frozen_length_is_baked_into_is_told(tmp_path: Path) -> None:
    text = model(f"{LAST} {MASK.replace('y = Mul', 'v = Mul')} q = Cast<to = 1>(t) y = Div(v, q)")
    outcome = fix_text(text, tmp_path, CODE, options=Options(frozen={"n": np.array(5)}))
    assert "right for this value only" in outcome.fixes.applied[0].detail
    shaped = model("y = Reshape(x, s)", "int64[2] s", "float[2, 4]")
    harmless = fix_text(shaped, tmp_path, CODE, options=Options(frozen={"s": np.array([2, 4])}))
    assert "only" not in harmless.fixes.applied[0].detail
