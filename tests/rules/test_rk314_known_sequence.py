from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.analysis import sequences
from tests.engine.fixing import fix_text
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK314"
FEEDS = {"x": np.arange(12, dtype=np.float32).reshape(2, 6)}


def model(body: str, out: str = "float[2, 6]", constants: str = "") -> str:
    return f"g (float[2, 6] x) => ({out} y) <int64 zero = {{0}}{constants}> {{ {body} }}"


@st.composite
def chains(draw: st.DrawFn) -> tuple[str, str]:
    """A chain of inserts and erases that is in bounds, and the constants that it needs."""
    lines = ["n0 = Neg(x) n1 = Abs(x) n2 = Exp(x) s0 = SequenceConstruct(x, n0)"]
    constants, size, count = "", 2, draw(st.integers(1, 5))
    for i in range(count):
        insert = size < 2 or draw(st.booleans())
        place = draw(st.one_of(st.none(), st.integers(-size, size if insert else size - 1)))
        if place is not None:
            constants += f", int64 p{i} = {{{place}}}"
        given_ = "" if place is None else f", p{i}"
        value = f", n{draw(st.integers(0, 2))}" if insert else ""
        lines.append(f"s{i + 1} = Sequence{'Insert' if insert else 'Erase'}(s{i}{value}{given_})")
        size += 1 if insert else -1
    constants += f", int64 at = {{{draw(st.integers(-size, size - 1))}}}"
    return f"{' '.join(lines)} y = SequenceAt(s{count}, at)", constants


@settings(max_examples=30, deadline=None)
@given(chains())
def test_any_chain_at_constant_positions(chain: tuple[str, str]) -> None:
    text = model(chain[0], constants=chain[1])
    after, _ = fixed(text, CODE)
    assert not any(op.startswith("Sequence") for op in operators(after))
    np.testing.assert_array_equal(run(after, FEEDS)[0], run(text, FEEDS)[0])


@pytest.mark.parametrize(
    ("split", "out"),
    [
        ("s = SplitToSequence<axis = 1>(x, sizes)", "float[2, 1]"),
        ("s = SplitToSequence<axis = -1>(x, chunk)", "float[2, 2]"),
        ("s = SplitToSequence<axis = 0, keepdims = 0>(x)", "float[6]"),
        ("s = SplitToSequence<axis = 0>(x)", "float[1, 6]"),
    ],
)
def test_parts_of_a_tensor(split: str, out: str, tmp_path: Path) -> None:
    text = model(
        f"{split} y = SequenceAt(s, last)", out, ", int64[3] sizes = {2, 3, 1}, int64 chunk = {4}, int64 last = {-1}"
    )
    after, _ = fixed(text, CODE)
    np.testing.assert_array_equal(run(after, FEEDS)[0], run(text, FEEDS)[0])
    assert {proof.outcome for proof in fix_text(text, tmp_path, CODE).proofs} == {"proved"}


@pytest.mark.parametrize(
    ("reader", "out"),
    [
        ("y = ConcatFromSequence<axis = 0>(s)", "float[4, 6]"),
        ("y = ConcatFromSequence<axis = -1, new_axis = 1>(s)", "float[2, 6, 2]"),
        ("y = SequenceLength(s)", "int64"),
    ],
)
def test_all_readers(reader: str, out: str) -> None:
    text = model(f"n = Neg(x) s = SequenceConstruct(x, n) {reader}", out)
    after, _ = fixed(text, CODE)
    np.testing.assert_array_equal(run(after, FEEDS)[0], run(text, FEEDS)[0])


def test_what_a_loop_fills_is_known_when_it_is_written_out(tmp_path: Path) -> None:
    text = """g (float[2, 6] x) => (float[6, 6] y) <int64 n = {3}, bool yes = {1}> {
        none = SequenceEmpty()
        all = Loop(n, yes, none) <body = b (int64 i, bool go, seq(float) had) => (bool on, seq(float) has)
            { on = Identity(go) f = Cast<to = 1>(i) z = Add(x, f) has = SequenceInsert(had, z) }>
        y = ConcatFromSequence<axis = 0>(all) }"""
    outcome = fix_text(text, tmp_path, CODE, "RK312")
    assert [fix.code for fix in outcome.fixes.applied] == ["RK312", CODE]
    after = outcome.model.proto(weights=True)
    np.testing.assert_array_equal(run(after, FEEDS)[0], run(text, FEEDS)[0])


@pytest.mark.parametrize(
    "body",
    [
        "s = SequenceConstruct(x, x) m = ReduceMax<keepdims = 0>(x) p = Cast<to = 7>(m) y = SequenceAt(s, p)",
        """e = SequenceEmpty() s = SequenceInsert(e, x) m = ReduceMax<keepdims = 0>(x) p = Cast<to = 7>(m)
        t = SequenceInsert(s, x, p) y = SequenceAt(t, zero)""",
    ],
)
def test_computed_positions_are_left(body: str) -> None:
    after, _ = fixed(model(body), CODE)
    assert "SequenceAt" in operators(after)


def test_long_sequences_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequences, "MOST_ELEMENTS", 1)
    assert diagnostics(model("s = SequenceConstruct(x, x) y = SequenceAt(s, zero)"), CODE) == ()
