from __future__ import annotations

import numpy as np
import pytest

from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK184"


def model(moves: str, out: str, *, dtype: str = "uint8", zero: str = ", zero", constants: str = "") -> str:
    return f"""g (int64[1, 3] ids) => (float[{out}] y)
    <{dtype}[4, 2] table = {{0, 120, 127, 119, 118, 10, 20, 30}},
     float scale = {{0.05}}, {dtype} zero = {{100}} {constants}>
    {{ {moves} y = DequantizeLinear(q, scale{zero}) }}"""


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("zero", ["", ", zero"])
@pytest.mark.parametrize(
    ("moves", "out", "constants"),
    [
        ("q = Gather(table, ids)", "1, 3, 2", ""),
        ("a = Gather(table, ids) q = Transpose<perm = [1, 2, 0]>(a)", "3, 2, 1", ""),
        ("a = Transpose(table) b = Gather<axis = 1>(a, ids) q = Squeeze(b, axes)", "2, 3", ", int64[1] axes = {1}"),
    ],
)
def test_floats_are_moved_instead(dtype: str, zero: str, moves: str, out: str, constants: str) -> None:
    text = model(moves, out, dtype=dtype, zero=zero, constants=constants)
    after, _ = fixed(text, CODE)
    assert "DequantizeLinear" not in operators(after)
    feeds = {"ids": np.array([[3, 0, 1]])}
    np.testing.assert_array_equal(np.asarray(run(after, feeds)[0], "f"), np.asarray(run(text, feeds)[0], "f"))


def test_what_is_computed_is_left_alone() -> None:
    text = """g (float[4, 2] x, int64[1, 3] ids) => (float[1, 3, 2] y) <float scale = {0.05}, uint8 zero = {100}>
    { table = QuantizeLinear(x, scale, zero) q = Gather(table, ids) y = DequantizeLinear(q, scale, zero) }"""
    assert diagnostics(text, CODE) == ()


def test_a_constant_that_is_not_moved_is_left_alone() -> None:
    text = """g (float[1, 4] x) => (float[1, 2] y)
    <uint8[4, 2] table = {0, 120, 127, 119, 118, 10, 20, 30}, float scale = {0.05}, uint8 zero = {100}>
    { w = DequantizeLinear(table, scale, zero) y = MatMul(x, w) }"""
    assert diagnostics(text, CODE) == ()


def test_casts_to_whole_numbers_that_hold_them_and_back_are_no_hindrance() -> None:
    text = """g (int64[3] i) => (float[3, 2] y)
        <uint8[4, 2] t = {0, 1, 2, 3, 50, 51, 52, 255}, float s = {0.5}, uint8 z = {7}> {
        w = Cast<to = 6>(t) g = Gather(w, i) n = Cast<to = 2>(g) y = DequantizeLinear(n, s, z) }"""
    after, edits = fixed(text, "RK184")
    assert len(edits) == 1
    i = np.array([3, 0, 2])
    np.testing.assert_array_equal(run(after, {"i": i})[0], run(text, {"i": i})[0])


def test_a_cast_that_changes_numbers_is_one() -> None:
    text = """g (int64[3] i) => (float[3] y) <int32[4] t = {0, 300, -2, 3}, float s = {0.5}, uint8 z = {7}> {
        g = Gather(t, i) n = Cast<to = 2>(g) y = DequantizeLinear(n, s, z) }"""
    assert diagnostics(text, "RK184") == ()
