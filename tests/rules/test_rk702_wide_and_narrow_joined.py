from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.diagnostics import Safety
from rkgraph.engine.fix import FixOutcome, fix_model
from rkgraph.graph.model import Model
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.locate import find_toolkit
from tests.rules.harness import diagnostics, made_up, parse
from tests.rules.quantized import quantized_likeness
from tests.rules.rewriting import run

CODE = "RK702"
INT8 = Target(precision="w8a8")


def model(wide: float, more: str = "", out: str = "y") -> str:
    return f"""g (float[1, 8, 64] a, float[1, 2, 64] b) => (float[1, 10, 64] {out})
    <float low = {{0}}, float high = {{{wide}}}, int64[3] shape = {{1, 10, 64}}> {{
        boxes = Clip(a, low, high) scores = Sigmoid(b) y = Concat<axis = 1>(boxes, scores) {more}
    }}"""


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 10000))
def test_it_is_found_where_one_is_far_wider(wide: float) -> None:
    found = diagnostics(model(wide), CODE, target=INT8)
    assert len(found) == (max(wide, 1) / min(wide, 1) > 32)


def test_by_what_is_observed_where_nothing_bounds_it() -> None:
    text = """g (float[1, 8, 64] a, float[1, 2, 64] b) => (float[1, 10, 64] y) <float big = {100}> {
        boxes = Mul(a, big) scores = Relu(b) y = Concat<axis = 1>(boxes, scores)
    }"""
    assert diagnostics(text, CODE, target=INT8) == ()
    (found,) = diagnostics(text, CODE, target=INT8, samples=1.0)
    assert "boxes, up to" in found.message


def test_also_where_it_is_moved_about_before_it_is_an_output() -> None:
    assert len(diagnostics(model(640, "z = Reshape(y, shape)", "z"), CODE, target=INT8)) == 1


@pytest.mark.parametrize("more", ["z = Softmax(y)", "z = Relu(y)"])
def test_inside_of_a_model_it_is_not_found(more: str) -> None:
    assert diagnostics(model(640, more, "z"), CODE, target=INT8) == ()


def test_fp16_has_no_such_trouble() -> None:
    assert diagnostics(model(640), CODE) == ()


def fixed(text: str, folder: Path) -> FixOutcome:
    path = folder / "model.onnx"
    path.write_bytes(parse(text).SerializeToString())
    rules = RuleSet("test", "2.3.2", (CODE,))
    return fix_model(Model.load(path), INT8, rules, Options(), frozenset({Safety.SPLIT}), proof="local")


@pytest.mark.parametrize(
    ("text", "moved"),
    [(model(640), ["Concat"]), (model(640, "z = Reshape(y, shape)", "z"), ["Concat", "Reshape"])],
    ids=["joined", "joined and moved"],
)
def test_the_host_joins_them(text: str, moved: list[str], tmp_path: Path) -> None:
    npu, host = fixed(text, tmp_path).stages
    assert [node.op_type for node in host.model.proto(weights=False).graph.node][-len(moved) :] == moved
    assert "Concat" not in [node.op_type for node in npu.model.proto(weights=False).graph.node]
    feeds = made_up(parse(text), 300.0, 1)[0]
    here = {name: feeds[name] for name in npu.model.view().main.inputs}
    apart = dict(zip(npu.model.view().main.outputs, run(npu.model.proto(weights=True), here), strict=True))
    needed = host.model.view().main.inputs
    whole = run(host.model.proto(weights=True), {name: {**feeds, **apart}[name] for name in needed})[0]
    np.testing.assert_array_equal(whole, run(text, feeds)[0])


def test_what_something_else_reads_is_refused(tmp_path: Path) -> None:
    text = model(640, "z = Relu(y)").replace("(float[1, 10, 64] y)", "(float[1, 10, 64] y, float[1, 10, 64] z)")
    (refused,) = fixed(text, tmp_path).fixes.refused
    assert "read by more" in refused.reason


@pytest.mark.toolkit
def test_the_quantized_simulator_loses_the_narrow_one(tmp_path: Path) -> None:
    joined = """g (float[1, 8, 8, 8] a, float[1, 2, 8, 8] b) => (float[1, 10, 8, 8] y)
    <float[1] high = {640}, int64[2] parts = {8, 2}> {
        unit = Sigmoid(a) boxes = Mul(unit, high) scores = Sigmoid(b) y = Concat<axis = 1>(boxes, scores)
    }"""
    only = """g (float[1, 8, 8, 8] a, float[1, 2, 8, 8] b) => (float[1, 2, 8, 8] scores, float[1, 8, 8, 8] boxes)
    <float[1] high = {640}> { unit = Sigmoid(a) boxes = Mul(unit, high) scores = Sigmoid(b) }"""
    random = np.random.default_rng(0)
    given = [
        {
            "a": random.normal(size=(1, 8, 8, 8)).astype(np.float32),
            "b": random.normal(size=(1, 2, 8, 8)).astype(np.float32),
        }
        for _ in range(4)
    ]
    with Worker(find_toolkit("2.3.2", None)) as worker:
        apart = quantized_likeness(worker, parse(only), parse(only), given, tmp_path / "apart")
        scores = quantized_likeness(
            worker, parse(joined), parse(joined), given, tmp_path / "joined", lambda y: y[:, 8:]
        )
    assert scores < 0.9, scores
    assert apart > 0.999, apart
