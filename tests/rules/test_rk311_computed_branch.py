from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.graph.rewrite import Refusal
from tests.engine.fixing import fix_text
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK311"


def model(then: str = "a = Neg(x)", other: str = "b = Log(x)", out: str = "[1, 4]", flag: str = "bool[1]") -> str:
    return f"""g (float[1, 4] x, {flag} f, int64[1] i) => (float{out} y) <int64 one = {{1}}, int64[1] ones = {{1}}> {{
        y = If(f) <then_branch = t () => (float{out} a) {{ {then} }},
                   else_branch = e () => (float{out} b) {{ {other} }}> }}"""


OPS = st.lists(st.sampled_from(["Neg", "Relu", "Log", "Sqrt", "Abs"]), min_size=1, max_size=3)


@settings(max_examples=15, deadline=None)
@given(OPS, OPS, st.booleans(), st.sampled_from(["bool", "bool[1]"]))
def test_each_number_is_that_of_the_branch_that_runs(one: list[str], other: list[str], flag: bool, dtype: str) -> None:
    def chain(ops: list[str], out: str) -> str:
        names = ["x", *(f"{out}{i}" for i in range(len(ops) - 1)), out]
        return " ".join(f"{after} = {op}({before})" for op, before, after in zip(ops, names, names[1:], strict=False))

    text = model(chain(one, "a"), chain(other, "b"), flag=dtype)
    after, _ = fixed(text, CODE)
    assert "If" not in operators(after)
    x = np.array([[-2.0, 0.0, np.inf, np.nan]], np.float32)
    feeds = {"x": x, "f": np.full((1,) if dtype == "bool[1]" else (), flag), "i": np.array([0])}
    np.testing.assert_array_equal(run(after, feeds)[0], run(text, feeds)[0])


def test_the_engine_proves_it(tmp_path: Path) -> None:
    outcome = fix_text(model(), tmp_path, CODE)
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (model("a = RandomNormalLike(x)"), "for nothing"),
        (model("a = Gather<axis = 0>(x, i)"), "indices"),
        (model("s = Div(ones, i) r = Cast<to = 1>(s) a = Add(x, r)"), "zero"),
        (model(" ".join(f"n{k} = Neg(x)" for k in range(70)) + " a = Neg(n1)"), "64 nodes"),
        (model("a = ReduceSum<keepdims = 0>(x)", "b = ReduceMax<keepdims = 0>(x)", out=""), "scalar"),
    ],
    ids=["random", "indices", "division", "large", "scalars"],
)
def test_what_must_not_be_computed_for_nothing_is_refused(text: str, reason: str) -> None:
    (edit,) = fixed(text, CODE)[1]
    assert isinstance(edit, Refusal)
    assert reason in edit.reason
    assert edit.needs == "--freeze f=NUMBER"


def test_indices_and_divisors_that_are_constants_do_no_harm() -> None:
    text = model(
        "d = Div(i, ones) r = Cast<to = 1>(d) z = Constant<value = int64[1] {0}>() q = Gather(x, z) a = Add(q, r)"
    )
    assert "If" not in operators(fixed(text, CODE)[0])


def test_constant_conditions_are_left() -> None:
    assert diagnostics(model().replace("If(f)", "If(c)").replace("<int64 one", "<bool c = {1}, int64 one"), CODE) == ()


def test_a_condition_on_a_shape_is_known_when_the_shape_is() -> None:
    text = """g (float[n, 4] x) => (float[n, 4] y) <int64 one = {1}> {
        s = Shape<start = 0, end = 1>(x) q = Squeeze(s) f = Equal(q, one)
        y = If(f) <then_branch = t () => (float[n, 4] a) { a = Neg(x) },
                   else_branch = e () => (float[n, 4] b) { b = Abs(x) }> }"""
    assert diagnostics(text, CODE) == ()
