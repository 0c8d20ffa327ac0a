from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.diagnostics import Safety
from rkgraph.graph.rewrite import Refusal
from tests.engine.fixing import fix_text
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK525"
CONSTANTS = """<float[3] f = {1.0, 0.1, 0.003}, float[1, 3, 1] column = {1.0, 0.1, 0.003}, int64[1] last = {-1},
    int64[1] one = {1}, int64[3] wide = {1, 4, 6}, float scale = {0.5}>"""
ANGLES = {
    "product": "r = Cast<to = 1>(p) u = Unsqueeze(r, last) a = Mul(u, f)",
    "matrix": "u = Unsqueeze(p, one) r = Cast<to = 1>(u) m = MatMul(column, r) a = Transpose<perm = [0, 2, 1]>(m)",
    "twice": "r = Cast<to = 1>(p) u = Unsqueeze(r, last) h = Mul(u, f) a = Concat<axis = -1>(h, h)",
    "shifted": "r = Cast<to = 1>(p) more = Add(r, scale) u = Unsqueeze(more, last) a = Mul(f, u)",
}


def model(angles: str, waves: str = "c = Cos(a) s = Sin(a) y = Sub(c, s)", kind: str = "int64[1, 4] p") -> str:
    width = 6 if "Concat" in angles else 3
    return f"g ({kind}) => (float[1, 4, {width}] y) {CONSTANTS} {{ {angles} {waves} }}"


def assert_near(new: list[Any], old: list[Any]) -> None:
    np.testing.assert_allclose(new[0], old[0], atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(
    form=st.sampled_from(sorted(ANGLES)),
    waves=st.sampled_from(["c = Cos(a) s = Sin(a) y = Sub(c, s)", "y = Sin(a)", "c = Cos(a) y = Mul(c, scale)"]),
    positions=st.lists(st.sampled_from([0, 1, 7, 100, 1023, 2047]), min_size=4, max_size=4),
)
def test_rows_of_a_table_are_what_was_computed(form: str, waves: str, positions: list[int]) -> None:
    text, feeds = model(ANGLES[form], waves), {"p": np.array([positions])}
    after, _ = fixed(text, CODE)
    assert not {"Cos", "Sin"} & set(operators(after))
    assert operators(after).count("Gather") == 1
    assert_near(run(after, feeds), run(text, feeds))


def test_halves_that_repeat_are_stored_once() -> None:
    after, _ = fixed(model(ANGLES["twice"]), CODE)
    (table,) = (list(each.dims) for each in after.graph.initializer if "table" in each.name)
    assert table == [2048, 6]


def test_a_long_cache_makes_a_long_table() -> None:
    text = model(
        ANGLES["product"], "c = Cos(a) n = ReduceMax<keepdims = 0>(k) y = Mul(c, n)", "int64[1, 4] p, float[5000] k"
    )
    after, _ = fixed(text, CODE)
    assert [5000, 3] in [list(each.dims) for each in after.graph.initializer]
    feeds = {"p": np.array([[0, 4999, 3000, 2]]), "k": np.ones(5000, "f")}
    assert_near(run(after, feeds), run(text, feeds))


MIXED = "r = Cast<to = 1>(p) sum = CumSum(r, one) u = Unsqueeze(sum, last) a = Mul(u, f)"


@pytest.mark.parametrize("angles", [MIXED, MIXED.replace("CumSum(r, one)", "Softmax(r)")])
def test_elements_of_several_numbers_are_refused(angles: str) -> None:
    (refusal,) = fixed(model(angles), CODE)[1]
    assert isinstance(refusal, Refusal)


def test_batches_are_left_alone() -> None:
    text = model(ANGLES["product"], "c = Cos(a) y = ReduceMax<axes = [0]>(c)", "int64[2, 4] p")
    assert diagnostics(text, CODE) == ()


def test_floats_are_left_alone() -> None:
    assert diagnostics("g (float[4] a) => (float[4] y) { y = Cos(a) }", CODE) == ()


def test_two_sources_are_left_alone() -> None:
    two = "r = Cast<to = 1>(p) o = Cast<to = 1>(q) both = Add(r, o) u = Unsqueeze(both, last) a = Mul(u, f)"
    assert diagnostics(model(two, kind="int64[1, 4] p, int64[1, 4] q"), CODE) == ()


def test_the_engine_proves_it(tmp_path: Path) -> None:
    outcome = fix_text(model(ANGLES["matrix"]), tmp_path, CODE, allow=frozenset({Safety.FP16_RANGE}))
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
