from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.graph.rewrite import Refusal, Rewrite
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK204"
MASK = "e = Equal(ids, pad) n = Not(e) m = Cast<to = 6>(n)"
ROBERTA = "c = CumSum(m, axis) p = Mul(c, m) l = Cast<to = 7>(p) y = Add(l, pad)"


def model(body: str, *, size: int = 8, out: str = "int64") -> str:
    return f"""g (int64[2, {size}] ids) => ({out}[2, {size}] y)
    <int64 pad = {{1}}, int64 axis = {{1}}, int64 zero = {{0}}, int64 many = {{300}}> {{ {body} }}"""


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([0, 1, 2, -1, 250001, 2**40, -(2**63)]), min_size=16, max_size=16))
def test_the_positions_are_the_same_for_all_ids(ids: list[int]) -> None:
    text = model(f"{MASK} {ROBERTA}")
    after, _ = fixed(text, CODE)
    feeds = {"ids": np.array(ids).reshape(2, 8)}
    np.testing.assert_array_equal(run(after, feeds)[0], run(text, feeds)[0])


def test_everything_around_the_sum_becomes_float() -> None:
    after, _ = fixed(model(f"{MASK} {ROBERTA}"), CODE)
    assert sorted(operators(after)) == ["Abs", "Add", "Cast", "Cast", "Clip", "CumSum", "Mul", "Sub"]


@pytest.mark.parametrize(
    "rest",
    [
        "c = CumSum(m, axis) p = Mul(m, c) z = Add(p, zero) l = Cast<to = 7>(z) y = Sub(l, pad)".replace("zero", "m"),
        "c = CumSum<reverse = 1>(m, axis) y = Cast<to = 7>(c)",
        "c = CumSum<exclusive = 1>(m, axis) l = Cast<to = 7>(c) y = Sub(pad, l)",
    ],
)
def test_other_arithmetic_behind_the_sum(rest: str) -> None:
    text = model(f"{MASK} {rest}")
    after, _ = fixed(text, CODE)
    feeds = {"ids": np.array([[5, 6, 1, 7, 1, 1, 9, 1], [1, 1, 2, 3, 4, 5, 6, 7]])}
    np.testing.assert_array_equal(run(after, feeds)[0], run(text, feeds)[0])
    assert not {"Equal", "Not"} & set(operators(after))


def test_the_rewrite_ends_where_numbers_would_grow_too_large() -> None:
    text = model(f"{MASK} c = CumSum(m, axis) l = Cast<to = 7>(c) y = Mul(l, many)")
    after, _ = fixed(text, CODE)
    feeds = {"ids": np.arange(16).reshape(2, 8)}
    np.testing.assert_array_equal(run(after, feeds)[0], run(text, feeds)[0])
    assert operators(after)[-2:] == ["Cast", "Mul"]


def test_a_mask_of_unknown_numbers_has_to_be_vouched_for() -> None:
    (edit,) = fixed(model("y = CumSum(ids, axis)"), CODE)[1]
    assert isinstance(edit, Rewrite)
    assert {name: (b.low, b.high, b.integer) for name, b in edit.assumes.items()} == {"ids": (0, 1, True)}


def test_a_count_beyond_fp16_is_refused() -> None:
    text = model(f"{MASK} {ROBERTA}", size=2049)
    (refusal,) = fixed(text, CODE)[1]
    assert isinstance(refusal, Refusal)
    assert "2049" in refusal.reason
    assert isinstance(fixed(model(f"{MASK} c = CumSum(m, axis) y = Cast<to = 7>(c)", size=2048), CODE)[1][0], Rewrite)


def test_floats_are_left_alone() -> None:
    assert diagnostics(model("f = Cast<to = 1>(ids) y = CumSum(f, axis)", out="float"), CODE) == ()


def test_the_engine_proves_it(tmp_path: Path) -> None:
    from tests.engine.fixing import fix_text

    outcome = fix_text(model(f"{MASK} {ROBERTA}"), tmp_path, CODE)
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
