from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.graph.rewrite import Refusal, Rewrite
from tests.engine.fixing import fix_text
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK310"
X = np.linspace(-2, 2, 8, dtype=np.float32).reshape(1, 8)


def model(then: str, otherwise: str = "b = Relu(x)", *, cond: int = 1, before: str = "", extra: str = "") -> str:
    return f"""g (float[1, 8] x) => (float[1, 8] y) <bool c = {{{cond}}}{extra}> {{ {before}
        y = If(c) <then_branch = t () => (float[1, 8] a) {{ {then} }},
                   else_branch = e () => (float[1, 8] b) {{ {otherwise} }}> }}"""


@pytest.mark.parametrize("cond", [0, 1])
def test_the_branch_that_runs_stays(cond: int) -> None:
    text = model("a = Neg(x)", cond=cond)
    after, _ = fixed(text, CODE)
    assert operators(after) == [["Relu"], ["Neg"]][cond]
    np.testing.assert_array_equal(run(after, {"x": X})[0], run(text, {"x": X})[0])


NESTED = """h = Neg(x) a = If(c) <then_branch = t2 () => (float[1, 8] p) { q = Exp(h) p = Add(q, x) },
                            else_branch = e2 () => (float[1, 8] s) { s = Abs(h) }>"""
BY_DATA = """h = Neg(x) zero = Constant<value = float {0}>() m = ReduceMax<keepdims = 0>(h) d = Greater(m, zero)
    a = If(d) <then_branch = t2 () => (float[1, 8] p) { q = Exp(h) p = Add(q, x) },
               else_branch = e2 () => (float[1, 8] s) { s = Identity(h) }>"""


@pytest.mark.parametrize("body", [NESTED, BY_DATA], ids=["constant", "computed"])
def test_inner_branches_keep_what_they_read_from_around(body: str, tmp_path: Path) -> None:
    text = model(body)
    after, _ = fixed(text, CODE)
    onnx.checker.check_model(after)
    np.testing.assert_array_equal(run(after, {"x": X})[0], run(text, {"x": X})[0])
    assert {proof.outcome for proof in fix_text(text, tmp_path, CODE).proofs} == {"proved"}


@pytest.mark.parametrize("size", [3, 4096])
def test_weights_of_a_branch_come_along(size: int) -> None:
    weights = np.arange(8 * size, dtype=np.float32).reshape(8, size)
    text = f"""g (float[1, 8] x) => (float[1, {size}] y) <bool c = {{1}}> {{
        y = If(c) <then_branch = t () => (float[1, {size}] a) {{ k = Neg(x) a = MatMul(k, k) }},
                   else_branch = e () => (float[1, {size}] b) {{ b = Expand(x, x) }}> }}"""
    model_ = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]>\n{text}')
    then = next(a.g for a in model_.graph.node[0].attribute if a.name == "then_branch")
    then.initializer.append(onnx.numpy_helper.from_array(weights, "w"))
    then.node[1].input[1] = "w"
    otherwise = next(a.g for a in model_.graph.node[0].attribute if a.name == "else_branch")
    otherwise.initializer.append(onnx.numpy_helper.from_array(weights[:1], "w2"))
    otherwise.node[0].op_type, otherwise.node[0].input[0], otherwise.node[0].input[1] = "Add", "w2", "w2"
    after, _ = fixed(model_, CODE)
    assert operators(after) == ["Neg", "MatMul"]
    np.testing.assert_array_equal(run(after, {"x": X})[0], -X @ weights)


def test_computed_conditions_are_left() -> None:
    text = """g (float[1, 8] x, bool c) => (float[1, 8] y) {
        y = If(c) <then_branch = t () => (float[1, 8] a) { a = Neg(x) },
                   else_branch = e () => (float[1, 8] b) { b = Relu(x) }> }"""
    assert diagnostics(text, CODE) == ()


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(["Neg", "Relu", "Abs", "Sigmoid"]), min_size=1, max_size=4), st.booleans(), st.data())
def test_any_chain_of_nodes(ops: list[str], cond: bool, data: st.DataObject) -> None:
    def chain(ops: list[str], out: str) -> str:
        names = ["x", *(f"{out}{i}" for i in range(len(ops) - 1)), out]
        return " ".join(f"{after} = {op}({before})" for op, before, after in zip(ops, names, names[1:], strict=False))

    others = data.draw(st.permutations(ops))
    text = model(chain(ops, "a"), chain(list(others), "b"), cond=int(cond))
    after, edits = fixed(text, CODE)
    assert operators(after) == (ops if cond else list(others))
    assert [type(edit) for edit in edits] == [Rewrite]
    np.testing.assert_array_equal(run(after, {"x": X})[0], run(text, {"x": X})[0])


def test_a_body_beyond_all_bounds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rkgraph.analysis.inlining.MOST_NODES", 1)
    (edit,) = fixed(model("h = Neg(x) a = Abs(h)"), CODE)[1]
    assert isinstance(edit, Refusal)
    assert "nodes" in edit.reason
