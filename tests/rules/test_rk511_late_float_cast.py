from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK511"
MOVES = {
    "Unsqueeze": ("Unsqueeze({0}, axes)", "int64[1] axes = {1}"),
    "Transpose": ("Transpose<perm = [1, 0]>({0})", ""),
    "Reshape": ("Reshape({0}, flat)", "int64[1] flat = {-1}"),
    "Slice": ("Slice({0}, from, to)", "int64[1] from = {1}, int64[1] to = {3}"),
    "Expand": ("Expand({0}, wide)", "int64[3] wide = {2, 3, 4}"),
    "Tile": ("Tile({0}, twice)", "int64[2] twice = {2, 1}"),
}


def model(moves: list[str], *, dtype: str = "int64") -> str:
    lines, constants, value = [], [], "m"
    for place, name in enumerate(moves):
        text, constant = MOVES[name]
        lines.append(f"v{place} = {text.format(value)}")
        constants += [constant] if constant and constant not in constants else []
        value = f"v{place}"

    return f"""g ({dtype}[3, 4] m) => (float[N] y) <{", ".join(constants) or "int64 unused = {0}"}>
        {{ {" ".join(lines)} y = Cast<to = 1>({value}) }}"""


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.sampled_from(["Transpose", "Slice", "Tile"]), min_size=1, max_size=3),
    st.sampled_from(["int64", "int32"]),
    st.integers(0, 99),
)
def test_the_numbers_stay(moves: list[str], dtype: str, seed: int) -> None:
    before = model(moves, dtype=dtype).replace("[N] y", "[N, M] y")
    after, edits = fixed(before, CODE)
    assert len(edits) == 1
    assert operators(after) == ["Cast", *moves]
    m = np.random.default_rng(seed).integers(-5, 2**31 - 1, (3, 4)).astype(dtype)
    np.testing.assert_array_equal(run(after, {"m": m})[0], run(before, {"m": m})[0])


@pytest.mark.parametrize("move", ["Unsqueeze", "Reshape", "Expand"])
def test_moves_that_change_the_rank(move: str) -> None:
    before = model([move]).replace("[N] y", "[N] y" if move == "Reshape" else "[N, M, K] y")
    after, _ = fixed(before, CODE)
    assert operators(after) == ["Cast", move]


def test_several_ways_are_several_findings() -> None:
    text = """g (int64[3, 4] m) => (float[4, 3] y, float[1, 3, 4] z, float[3, 4] w) <int64[1] a = {0}> {
        t = Transpose(m) y = Cast<to = 1>(t) u = Unsqueeze(m, a) z = Cast<to = 1>(u) w = Cast<to = 1>(m) }"""
    assert len(diagnostics(text, CODE)) == 2
    after, _ = fixed(text, CODE)
    assert sorted(operators(after)) == ["Cast", "Cast", "Cast", "Transpose", "Unsqueeze"]


@pytest.mark.parametrize(
    "text",
    [
        "g (int64[3, 4] m) => (float[3, 4] y) { y = Cast<to = 1>(m) }",
        "g (float[3, 4] m) => (float16[4, 3] y) { t = Transpose(m) y = Cast<to = 10>(t) }",
        "g (int64[3, 4] m) => (int32[4, 3] y) { t = Transpose(m) y = Cast<to = 6>(t) }",
        "g (int64[3, 4] m) => (float[4, 3] y, int64[4, 3] z) { t = Transpose(m) y = Cast<to = 1>(t) z = Add(t, t) }",
        "g (int64[3, 4] m) => (float[4, 3] y, int64[4, 3] t) { t = Transpose(m) y = Cast<to = 1>(t) }",
        "g (int64[3, 4] m) => (float[4, 3] y, float16[3] z) { t = Transpose(m) y = Cast<to = 1>(t) z = Cast<to=10>(m)}",
        "g (int64[3, 4] m, int64[2] s) => (float[A, B] y) { t = Reshape(m, s) y = Cast<to = 1>(t) }",
        "g (int64[2] m, int64[3, 4] x) => (int64[A, B] y, float[2] z) { y = Reshape(x, m) z = Cast<to = 1>(m) }",
    ],
    ids=range(8),
)
def test_what_is_something_else_is_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()
