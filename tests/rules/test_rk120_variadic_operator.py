from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.targets import Target
from tests.rules.elementwise import NUMPY, agree, node, refusal, result, rewritten
from tests.rules.harness import diagnostics
from tests.rules.rewriting import operators

CODE = "RK120"
HOSTILE = [0.0, -0.0, np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-40, 1.5, -2.0]


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 4), st.data())
def test_the_least_is_exact_whatever_is_compared(count: int, data: st.DataObject) -> None:
    names = "abcd"[:count]
    feeds = {
        name: np.array(data.draw(st.lists(st.sampled_from(HOSTILE), min_size=6, max_size=6)), np.float32).reshape(2, 3)
        for name in names
    }
    found = agree(node("Min", inputs=names), CODE, feeds)
    assert found.count("Max") == count - 1


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_the_least_of_whole_numbers_does_not_overflow(dtype: str) -> None:
    bounds = np.iinfo(NUMPY[dtype])
    a = np.array([[bounds.min, bounds.max, 0], [-1, bounds.min, 5]], NUMPY[dtype])
    b = np.array([[bounds.max, bounds.max, -1], [bounds.min, bounds.min, 7]], NUMPY[dtype])
    assert "Neg" not in agree(node("Min", dtype=dtype, inputs="ab"), CODE, {"a": a, "b": b})


@pytest.mark.parametrize("dtype", ["float", "float16", "double"])
@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_a_mean_of_any_number(count: int, dtype: str) -> None:
    text = node("Mean", inputs="abcde"[:count], dtype=dtype, opset=13)
    random = np.random.default_rng(count)
    feeds = {name: random.normal(0, 100, (2, 3)).astype(NUMPY[dtype]) for name in "abcde"[:count]}
    after = rewritten(text, CODE)
    wanted = result(node("Mean", inputs="abcde"[:count]), {k: v.astype(np.float32) for k, v in feeds.items()})
    np.testing.assert_allclose(result(after, feeds), wanted, rtol=1e-5, atol=0.3 if dtype == "float16" else 1e-4)


def test_a_mean_of_large_numbers_does_not_overflow_in_fp16() -> None:
    text = node("Mean", inputs="abc", dtype="float16", opset=13)
    feeds = {name: np.full((2, 3), 60000, np.float16) for name in "abc"}
    np.testing.assert_allclose(result(rewritten(text, CODE), feeds), 60000, rtol=2e-3)


@pytest.mark.parametrize("op", ["Min", "Mean"])
def test_operands_are_broadcast(op: str) -> None:
    text = f"g (float[2, 1, 3] a, float[4, 1] b, float[3] c) => (float[2, 4, 3] y) {{ y = {op}(a, b, c) }}"
    random = np.random.default_rng(0)
    feeds = {n: random.normal(size=s).astype(np.float32) for n, s in {"a": (2, 1, 3), "b": (4, 1), "c": (3,)}.items()}
    agree(text, CODE, feeds, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("op", ["Min", "Mean", "Max", "Sum"])
def test_one_operand_is_the_result(op: str) -> None:
    feeds = {"x": np.array([[1, np.nan, -3], [np.inf, 0, 2]], np.float32)}
    assert agree(node(op), CODE, feeds) == ["Identity"]


def test_between_other_nodes_one_operand_leaves_nothing() -> None:
    text = "g (float[2, 3] x) => (float[2, 3] y) { a = Relu(x) b = Max(a) y = Tanh(b) }"
    assert operators(rewritten(text, CODE))[0] == "Relu"


@pytest.mark.parametrize("op", ["Max", "Sum"])
def test_what_runs_is_left_alone(op: str) -> None:
    assert diagnostics(node(op, inputs="ab"), CODE) == ()


def test_a_mean_of_whole_numbers_does_not_exist_and_mixed_graphs_are_not_touched() -> None:
    body = "g (bool c, float[2] a, float[2] b) => (float[2] y) { y = If (c) <then_branch = t () => (float[2] m) "
    body += "{ m = Min(a, b) }, else_branch = e () => (float[2] n) { n = Identity(a) }> }"
    assert "only the main graph" in refusal(body, CODE)


@pytest.mark.parametrize("platform", ["rk3588", "rk3566", "rk3576", "rv1106"])
def test_it_is_found_wherever_the_table_says_so(platform: str) -> None:
    target = Target(platform, "2.3.2", "w8a8" if platform == "rv1106" else "fp16")
    assert len(diagnostics(node("Min", inputs="ab"), CODE, target=target)) == 1


def test_the_engine_proves_it(tmp_path: Path) -> None:
    from tests.engine.fixing import fix_text

    text = "g (float[2, 3] a, float[2, 3] b) => (float[2, 3] y) { m = Min(a, b) n = Mean(m, a, b) y = Max(n) }"
    outcome = fix_text(text, tmp_path, CODE)
    assert [fix.code for fix in outcome.fixes.applied] == [CODE] * 3
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
