from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.fixing import fix_text, operators
from tests.rules.harness import diagnostics

CODE = "RK401"


def model(middle: str, constants: str = "", dtype: str = "float") -> str:
    return f"g ({dtype}[2, 3] x) => ({dtype}[2, 3] y) {constants} {{ {middle} y = Neg(b) }}"


NO_OPS = [
    ("b = Identity(x)", ""),
    ("b = Dropout(x)", ""),
    ("b = Dropout(x, r, t)", "<float r = {0.5}, bool t = {0}>"),
    ("b = Cast<to = 1>(x)", ""),
    ("b = Transpose<perm = [0, 1]>(x)", ""),
    ("b = Reshape(x, s)", "<int64[2] s = {2, -1}>"),
    ("b = Expand(x, s)", "<int64[1] s = {3}>"),
    ("b = Concat<axis = 0>(x)", ""),
    ("b = Mul(x, c)", "<float c = {1.0}>"),
    ("b = Mul(c, x)", "<float[1, 3] c = {1.0, 1.0, 1.0}>"),
    ("b = Div(x, c)", "<float c = {1.0}>"),
    ("b = Sub(x, c)", "<float c = {0.0}>"),
    ("b = Add(x, c)", "<float c = {-0.0}>"),
]
NOT = [
    ("b = Relu(x)", ""),
    ("b = Dropout(x, r, t)", "<float r = {0.5}, bool t = {1}>"),
    ("b = Add(x, c)", "<float c = {0.0}>"),
    ("b = Sub(x, c)", "<float c = {-0.0}>"),
    ("b = Mul(x, c)", "<float c = {1.0000001}>"),
    ("b = Div(c, x)", "<float c = {1.0}>"),
    ("b = Sub(c, x)", "<float c = {0.0}>"),
    ("r = Sqrt(x) n = Div(x, r) b = Mul(n, c)", "<float[3] c = {1.0, 1.0, 1.0}>"),
    ("r = Sqrt(x) i = Div(c, r) n = Mul(x, i) b = Mul(c, n)", "<float c = {1.0}>"),
    ("r = Sqrt(x) i = Reciprocal(r) n = Mul(i, x) b = Mul(n, c)", "<float c = {1.0}>"),
    ("t = Transpose<perm = [1, 0]>(x) b = Transpose<perm = [1, 0]>(t)", ""),
]


@pytest.mark.parametrize(("middle", "constants"), NO_OPS)
def test_no_ops_are_found_and_removed_bit_for_bit(middle: str, constants: str, tmp_path: Path) -> None:
    outcome = fix_text(model(middle, constants), tmp_path, CODE, proof="local")
    assert operators(outcome) == ["Neg"]
    assert [p.outcome for p in outcome.proofs if p.kind != "model"] == ["proved", "proved"]


@pytest.mark.parametrize(("middle", "constants"), NOT)
def test_what_changes_something_is_left_alone(middle: str, constants: str) -> None:
    assert diagnostics(model(middle, constants), CODE) == ()


def test_any_zero_will_do_for_whole_numbers() -> None:
    assert len(diagnostics(model("b = Add(x, c)", "<int64 c = {0}>", "int64"), CODE)) == 1


def test_a_constant_that_widens_the_value_is_no_no_op() -> None:
    text = "g (float[1, 3] x) => (float[2, 3] y) <float[2, 1] c = {1.0, 1.0}> { b = Mul(x, c) y = Neg(b) }"
    assert diagnostics(text, CODE) == ()


def test_a_mask_that_is_read_keeps_its_dropout() -> None:
    text = "g (float[2] x) => (float[2] y, bool[2] m) { b, m = Dropout(x) y = Neg(b) }"
    assert diagnostics(text, CODE) == ()


def test_ones_behind_a_quotient_without_a_root_go(tmp_path: Path) -> None:
    text = model("e = Exp(x) n = Div(x, e) b = Mul(n, c)", "<float[3] c = {1.0, 1.0, 1.0}>")
    assert operators(fix_text(text, tmp_path, CODE)) == ["Exp", "Div", "Neg"]


def test_a_chain_goes_at_once(tmp_path: Path) -> None:
    chain = " ".join(f"v{i + 1} = Identity(v{i})" for i in range(30)).replace("v0", "x", 1)
    outcome = fix_text(model(f"{chain} b = Dropout(v30)"), tmp_path, CODE, proof="local")
    assert operators(outcome) == ["Neg"]


def test_a_node_that_writes_an_output_of_the_model_stays(tmp_path: Path) -> None:
    text = "g (float[2] x) => (float[2] y) { y = Identity(x) }"
    (found,) = diagnostics(text, CODE)
    assert found.fix is None
    assert operators(fix_text(text, tmp_path, CODE)) == ["Identity"]
