from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.targets import Target
from tests.rules.elementwise import refusal, result, rewritten
from tests.rules.harness import diagnostics

CODE = "RK533"


def masked(
    shape: str = "1, 3, 4, 8",
    mask: str = "1, 1, 1, 8",
    *,
    front: str = "s = Identity(x)",
    choice: str = "s, v",
    softmax: str = "Softmax",
    more: str = "",
    fill: str = "float v = {-10000.0}",
) -> str:
    return f"""g (float[{shape}] x, bool[{mask}] k) => (float[{shape}] y{", float[N, C, H, W] z" if more else ""})
    <{fill}> {{ {front} m = Where(k, {choice}) p = {softmax}(m) y = Relu(p) {more} }}"""


CONSTANT_MASK = """g (float[1, 5, 8, 4] x) => (float[1, 5, 8, 4] y)
<float v = {-10000.0}, bool[1, 1, 1, 4] k = {1, 0, 1, 1}> { s = Relu(x) m = Where(k, s, v) y = Softmax(m) }"""


@pytest.mark.parametrize(
    ("text", "on_rk3588", "on_rk3576"),
    [
        (masked(), 1, 1),
        (masked("2, 4, 4, 8"), 1, 1),
        (masked(choice="v, s"), 1, 1),
        (masked(mask="1, 1, 1, 1"), 1, 1),
        (masked(softmax="Softmax<axis = 3>"), 1, 1),
        (masked("1, 5, 4, 8"), 0, 1),
        (masked("1, 1, 4, 8"), 0, 1),
        (masked(front="s = Relu(x)"), 0, 1),
        (CONSTANT_MASK, 1, 1),
        (masked(mask="1, 1, 4, 8"), 0, 0),
        (masked(mask="1, 3, 1, 8"), 0, 0),
        (masked(mask="8"), 0, 0),
        (masked(softmax="Softmax<axis = 1>"), 0, 0),
        (masked(softmax="Sigmoid"), 0, 0),
        (masked(more="z = Sigmoid(m)"), 0, 0),
        (masked(fill="float[8] v = {-1, -1, -1, -1, -1, -1, -1, -1}"), 0, 0),
        (masked("3, 4, 8", "1, 1, 8"), 0, 0),
        (masked("1, 3, 2, 4, 8", "1, 1, 1, 1, 8"), 0, 0),
    ],
)
def test_both_sides_of_the_law(text: str, on_rk3588: int, on_rk3576: int) -> None:
    for platform, count in (("rk3588", on_rk3588), ("rk3576", on_rk3576), ("rk3566", 0)):
        assert len(diagnostics(text, CODE, target=Target(platform, "2.3.2"))) == count, platform
    assert diagnostics(text, CODE, target=Target("rk3588", "2.3.2", "w8a8")) == ()


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(st.sampled_from([3, 4]), st.integers(1, 5), st.integers(1, 9)),
    st.sampled_from(["s, v", "v, s"]),
    st.sampled_from(["-10000.0", "-inf", "0.5"]),
    st.integers(0, 2**31),
)
def test_the_numbers_stay(sizes: tuple[int, int, int], choice: str, number: str, seed: int) -> None:
    heads, rows, keys = sizes
    text = masked(f"1, {heads}, {rows}, {keys}", f"1, 1, 1, {keys}", choice=choice, fill=f"float v = {{{number}}}")
    assert len(diagnostics(text, CODE)) == 1
    if rows == keys == 1:
        return
    random = np.random.default_rng(seed)
    feeds = {
        "x": random.normal(size=(1, heads, rows, keys)).astype(np.float32),
        "k": random.integers(0, 2, size=(1, 1, 1, keys)).astype(bool),
    }
    after = rewritten(text, CODE)
    np.testing.assert_array_equal(result(after, feeds), result(text, feeds))
    assert diagnostics(after, CODE) == ()


def test_one_key_of_one_query_is_refused() -> None:
    assert "one key and one query" in refusal(masked("1, 3, 1, 1", "1, 1, 1, 1"), CODE)


def test_the_engine_proves_it(tmp_path: Path) -> None:
    from tests.engine.fixing import fix_text

    outcome = fix_text(masked(), tmp_path, CODE)
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
