from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.targets import Target
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.locate import find_toolkit
from tests.rules.harness import diagnostics, parse
from tests.rules.quantized import quantized_likeness

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
