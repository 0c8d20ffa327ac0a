from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.engine.fix import FixSettings, fix_model
from rkgraph.graph.model import Model
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import load_ruleset
from rkgraph.targets import Target
from tests.rules.harness import diagnostics, parse, troubles_of
from tests.rules.rewriting import run

CODE = "RK240"
SQUARE = """g (float[1, 4, 8, 8] x) => (float[1, 4, 8, 8] y) <float small = {0.001}> {
    square = Mul(x, x)
    y = Mul(square, small)
}"""
TWICE = """g (float[1, 4, 8, 8] x) => (float[1, 4, 8, 8] y) <float big = {400}, float small = {0.00001}> {
    a = Mul(x, big)
    b = Mul(a, big)
    c = Mul(b, big)
    y = Mul(c, small)
}"""


def test_the_first_node_is_named_and_those_behind_it_are_not() -> None:
    (found,) = diagnostics(TWICE, CODE, samples=1.0)
    assert found.at.value == "b"
    assert diagnostics(TWICE, "RK242", samples=1.0) == ()


def test_two_branches_are_two_findings() -> None:
    text = """g (float[1, 8] x, float[1, 8] z) => (float[1, 8] y) <float s = {0.001}> {
        a = Mul(x, x) b = Mul(z, z) c = Mul(a, s) d = Mul(b, s) y = Add(c, d)
    }"""
    assert {d.at.value for d in diagnostics(text, CODE, samples=300.0)} == {"a", "b"}


def test_without_samples_nothing_is_found() -> None:
    assert diagnostics(SQUARE, CODE) == ()


def test_a_fill_that_only_softmaxes_read_has_its_own_rule() -> None:
    text = """g (float[1, 8] x) => (float[1, 8] y) <float fill = {-3e38}, float zero = {0}> {
        lost = Greater(x, zero) mask = Where(lost, fill, zero) masked = Add(x, mask) y = Softmax(masked)
    }"""
    assert diagnostics(text, CODE, samples=1.0) == ()


@settings(max_examples=15, deadline=None)
@given(st.floats(0.1, 2000))
def test_it_is_found_where_the_largest_square_is_beyond_fp16(scale: float) -> None:
    found = troubles_of(SQUARE, scale)
    samples = [np.random.default_rng(0).normal(size=(1, 4, 8, 8))]  # the first that `troubles_of` makes
    if (samples[0] ** 2).max() * scale**2 > 65600:
        assert [(t.value, t.kind) for t in found] == [("square", "overflow")]
    elif scale < 60:
        assert all(t.kind != "overflow" for t in found)


@pytest.mark.parametrize(("precision", "count"), [("fp16", 1), ("w8a8", 0)])
def test_fix_tells_it_of_targets_that_compute_in_fp16(tmp_path: Path, precision: str, count: int) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(parse(SQUARE).SerializeToString())
    samples = [{"x": np.full((1, 4, 8, 8), 300, np.float32)}]
    done = fix_model(
        Model.load(path),
        Target(precision=precision),
        load_ruleset("rknn-2.3.2"),
        Options(),
        settings=FixSettings(samples=samples),
    )
    assert len([d for d in done.after.diagnostics if d.code == CODE]) == count


@pytest.mark.toolkit
@pytest.mark.parametrize(("scale", "overflows"), [(1000.0, True), (10.0, False)])
def test_the_simulator_agrees(tmp_path: Path, scale: float, overflows: bool) -> None:
    from rkgraph.compile.tensors import read_npz, write_npz
    from rkgraph.toolkit.client import Worker
    from rkgraph.toolkit.jobs import Job
    from rkgraph.toolkit.locate import find_toolkit

    model, feeds = tmp_path / "model.onnx", tmp_path / "feeds.npz"
    proto = parse(CONVOLVED)
    model.write_bytes(proto.SerializeToString())
    case = {"x": (np.random.default_rng(0).normal(size=(1, 4, 8, 8)) * scale).astype(np.float32)}
    write_npz(feeds, case)
    assert bool(diagnostics(proto, CODE, samples=scale)) == overflows
    with Worker(find_toolkit("2.3.2", None)) as worker:
        done = worker.run(Job(model, simulate=(feeds,), inputs=("x",), outputs=("y",), output_folder=tmp_path))
    assert done.ok, done.error
    (expected,) = run(proto, case)
    gap = np.abs(read_npz(done.outputs[0])["y"].reshape(expected.shape) - expected)
    wrong = not np.isfinite(gap).all() or gap.max() > 0.01 * np.abs(expected).max()
    assert wrong == overflows


CONVOLVED = """g (float[1, 4, 8, 8] x) => (float[1, 4, 8, 8] y) <float small = {0.001}> {
    a = Relu(x)
    square = Mul(a, a)
    pooled = AveragePool<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>(square)
    y = Mul(pooled, small)
}"""
