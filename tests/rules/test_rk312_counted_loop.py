from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.graph.rewrite import Refusal
from tests.engine.fixing import fix_text
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK312"
X = np.linspace(-2, 2, 8, dtype=np.float32).reshape(1, 8)
HANDED_ON = "on = Identity(go)"


def model(
    body: str = "next = Mul(s, half) seen = Add(s, half)",
    *,
    count: str = "n",
    go: str = "yes",
    ends: str = HANDED_ON,
    trips: int = 3,
    carried: str = "",
    opset: int = 17,
) -> str:
    """`carried`: "name, dtype, next" of one more scalar state, which starts with 0."""
    name, dtype, after = carried.split(", ") if carried else ("", "", "")
    more = (f", {dtype} {name}", f", {dtype} {after}", ", zero", "more, ") if carried else ("", "", "", "")
    return f"""<ir_version: 8, opset_import: ["" : {opset}]>
    g (float[1, 8] x) => (float[1, 8] y, float[{max(trips, 0)}, 1, 8] all)
    <int64 n = {{{trips}}}, bool yes = {{1}}, bool no = {{0}}, float half = {{0.5}}, int64 zero = {{0}},
     int64 one = {{1}}, int64 two = {{2}}> {{
        y, {more[3]}all = Loop({count}, {go}, x{more[2]}) <body =
            b (int64 i, bool go, float[1, 8] s{more[0]}) => (bool on, float[1, 8] next{more[1]}, float[1, 8] seen)
            {{ {body} {ends} }}> }}"""


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 6), st.sampled_from([9, 11, 13, 17]), st.sampled_from(["Relu", "Neg", "Exp"]))
def test_a_loop_of_a_constant_trip_count(trips: int, opset: int, op: str) -> None:
    text = model(f"t = {op}(s) r = Cast<to = 1>(i) next = Add(t, r) seen = Mul(next, half)", trips=trips, opset=opset)
    after, _ = fixed(text, CODE)
    assert "Loop" not in operators(after)
    for one, other in zip(run(text, {"x": X}), run(after, {"x": X}), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("how", "runs"),
    [
        ({"count": '""', "ends": "on = Less(i, two)"}, 3),
        ({"count": '""', "go": '""', "ends": "c2 = Add(c, one) on = Less(c2, two)", "carried": "c, int64, c2"}, 2),
        ({"ends": "on = Identity(no)"}, 1),
        ({"ends": "f = Constant<value = bool {0}>() on = Identity(f)"}, 1),
        ({"go": '""'}, 3),
    ],
    ids=["the number of the run", "a counter that is carried", "a constant", "a constant of its own", "no condition"],
)
def test_what_ends_a_loop_is_counted(how: dict[str, str], runs: int) -> None:
    text = model(trips=runs, **how)
    after, _ = fixed(text, CODE)
    assert operators(after).count("Mul") == runs
    for one, other in zip(run(text, {"x": X}), run(after, {"x": X}), strict=True):
        np.testing.assert_array_equal(one, other)


ONE_OUTPUT = ("(float[1, 8] y, float[3, 1, 8] all)", "(float[1, 8] y)")


def test_a_loop_that_never_runs_hands_on_what_it_got() -> None:
    text = model(go="no").replace(*ONE_OUTPUT)
    after, _ = fixed(text, CODE)
    assert operators(after) == ["Identity"]
    np.testing.assert_array_equal(run(after, {"x": X})[0], X)


def test_a_branch_in_a_loop_keeps_what_it_reads(tmp_path: Path) -> None:
    text = model("""m = ReduceMax<keepdims = 0>(s) d = Greater(m, half) seen = Identity(s)
        next = If(d) <then_branch = t () => (float[1, 8] p) { q = Exp(s) p = Add(q, x) },
                      else_branch = e () => (float[1, 8] r) { r = Neg(s) }>""")
    after, _ = fixed(text, CODE)
    onnx.checker.check_model(after)
    for one, other in zip(run(text, {"x": X}), run(after, {"x": X}), strict=True):
        np.testing.assert_array_equal(one, other)
    outcome = fix_text(text, tmp_path, CODE)
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (model(trips=100_000), "more than 4096"),
        (model(trips=4000, body="next = Mul(s, half) seen = Add(s, half)" + " u = Neg(s)" * 1), "20000"),
        (model(go="no"), "never runs"),
        (model(ends="m = ReduceMax<keepdims = 0>(s) on = Greater(m, half)"), "computed from data"),
        (model(count='""', go='""', ends="on = LessOrEqual(zero, i)"), "more than 4096"),
    ],
    ids=["too often", "too many nodes", "nothing collected", "by data", "for ever"],
)
def test_what_cannot_be_written_out_is_refused(text: str, reason: str) -> None:
    if "20000" in reason:
        text = text.replace("u = Neg(s)", " ".join(f"u{i} = Neg(s)" for i in range(4)))
    (edit,) = fixed(text, CODE)[1]
    assert isinstance(edit, Refusal)
    assert reason in edit.reason


def test_the_option_that_makes_the_trip_count_known_is_named() -> None:
    text = model().replace("g (float[1, 8] x)", "g (float[1, 8] x, int64 k)").replace("Loop(n,", "Loop(k,")
    (edit,) = fixed(text, CODE)[1]
    assert isinstance(edit, Refusal)
    assert edit.needs == "--freeze k=VALUE"


def test_a_loop_that_nothing_needs_is_left() -> None:
    text = model().replace(*ONE_OUTPUT).replace("y, all = Loop", "y = Neg(x) unread, all = Loop")
    assert diagnostics(text, CODE) == ()


CARRIED = """<ir_version: 8, opset_import: ["" : 17]>
g (float[2] x) => (seq(float[2]) y)
<int64 n = {3}, bool yes = {1}>
{ s = SequenceConstruct(x) o = Optional(s)
  y = Loop(n, yes, o) <body = b (int64 i, bool go, optional(seq(float[2])) before) => (bool on, seq(float[2]) after)
    { on = Identity(go) there = OptionalHasElement(before) held = OptionalGetElement(before)
      f = Cast<to = 1>(there) a = Add(x, f) after = SequenceInsert(held, a) }> }"""


def test_a_body_that_takes_an_optional_value_and_makes_what_it_holds(tmp_path: Path) -> None:
    after, _ = fixed(CARRIED, CODE)
    assert "Loop" not in operators(after)
    x = np.array([1, 2], np.float32)
    for one, other in zip(run(CARRIED, {"x": x})[0], run(after, {"x": x})[0], strict=True):
        np.testing.assert_array_equal(one, other)
