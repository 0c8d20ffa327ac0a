from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.engine.fix import FixOutcome, fix_model
from rkgraph.graph.model import Model
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target
from tests.rules.harness import diagnostics, parse
from tests.rules.rewriting import run

CODE = "RK521"


def model(readers: int, suffix: str, constant: str = "float[4] mul = {0.5, 2, 3, 0.25}") -> str:
    """`readers` products with the constant `mul`, the first of which is called mul + `suffix`."""
    names = [f"mul{suffix}", *(f"p{place}" for place in range(1, readers - 1)), "y"][-readers:]
    lines = [f"{name} = Mul({before}, mul)" for before, name in zip(["x", *names], names, strict=False)]
    return f"g (float[3, 4] x) => (float[3, 4] y) <{constant}> {{ {' '.join(lines)} }}"


def fix(text: str | onnx.ModelProto, folder: Path) -> FixOutcome:
    path = folder / "model.onnx"
    onnx.save(parse(text) if isinstance(text, str) else text, path)
    return fix_model(Model.load(path), Target(), RuleSet("test", "2.3.2", (CODE,)), Options(), proof="model")


@settings(max_examples=12, deadline=None)
@given(st.integers(2, 6), st.integers(0, 7))
def test_the_names_of_copies_are_known(readers: int, place: int) -> None:
    found = diagnostics(model(readers, f"_{place}"), CODE)
    assert len(found) == (1 if 0 < place < readers else 0)


def test_the_constant_gets_a_free_name_and_nothing_else_changes(tmp_path: Path) -> None:
    text = model(3, "_2")
    outcome = fix(text, tmp_path)
    after = outcome.model.proto(weights=True)
    assert [tensor.name for tensor in after.graph.initializer] == ["rk521/mul"]
    assert [proof.outcome for proof in outcome.proofs] == ["proved"] * len(outcome.proofs)
    assert outcome.after.verdict is not outcome.before.verdict
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    np.testing.assert_array_equal(run(after, {"x": x})[0], run(text, {"x": x})[0])


def test_a_name_that_is_taken_is_not_given(tmp_path: Path) -> None:
    proto = parse(model(3, "_2"))
    for node in proto.graph.node:
        node.input[:] = ["rk521/mul_1" if name == "p1" else name for name in node.input]
        node.output[:] = ["rk521/mul_1" if name == "p1" else name for name in node.output]
    after = fix(proto, tmp_path).model.proto(weights=True)
    assert [tensor.name for tensor in after.graph.initializer] == ["rk521/mul/1"]


def test_what_a_constant_node_makes_is_renamed_too(tmp_path: Path) -> None:
    text = model(2, "_1", "float unused = {0}").replace("{ mul_1", "{ mul = Constant<value_float = 2.0>() mul_1", 1)
    outcome = fix(text, tmp_path)
    assert not outcome.is_refuted
    assert outcome.model.proto(weights=True).graph.node[0].output[0] == "rk521/mul"


def test_bodies_read_the_new_name(tmp_path: Path) -> None:
    text = """g (float[3, 4] x, bool b) => (float[3, 4] y) <float[4] mul = {0.5, 2, 3, 0.25}> {
        mul_1 = Mul(x, mul) p = Mul(mul_1, mul)
        y = If (b) <then_branch = t () => (float[3, 4] u) { u = Add(p, mul) },
                    else_branch = e () => (float[3, 4] v) { v = Sub(p, mul) }> }"""
    outcome = fix(text, tmp_path)
    assert not outcome.is_refuted
    x = np.ones((3, 4), np.float32)
    for b in (np.array(True), np.array(False)):
        feeds = {"x": x, "b": b}
        np.testing.assert_array_equal(run(outcome.model.proto(weights=True), feeds)[0], run(text, feeds)[0])


@pytest.mark.parametrize(
    "text",
    [
        "g (float[4] x, float[4] c) => (float[4] y) { c_1 = Mul(x, c) y = Mul(c_1, c) }",
        "g (float[4] x) => (float[4] y) <float[4] c = {1, 2, 3, 4}> { c_1 = Mul(x, c) y = Neg(c_1) }",
        "g (float[4] x) => (float[4] y) <float[4] c = {1, 2, 3, 4}> { c_1 = Mul(c, c) y = Mul(x, c_1) }",
    ],
    ids=["an input", "one reader", "twice by one node"],
)
def test_what_is_not_copied_is_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()


@pytest.mark.parametrize(("version", "count"), [("2.2.0", 1), ("2.3.0", 1), ("2.5.0", 0)])
def test_versions(version: str, count: int) -> None:
    assert len(diagnostics(model(2, "_1"), CODE, target=Target("rk3588", version, "fp16"))) == count
