from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.engine.fix import FixSettings, fix_model
from rkgraph.graph.model import Model
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import load_ruleset
from rkgraph.targets import Target
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.locate import find_toolkit
from tests.rules.elementwise import in_fp16
from tests.rules.harness import diagnostics, parse, troubles_of
from tests.rules.rescaling import FORMS, feeds_of, form, mended, model
from tests.rules.rewriting import run
from tests.rules.simulated import simulated_error

CODE = "RK240"
STEPS = ("Neg({})", "Abs({})", "Relu({})", "Add({0}, s)", "Mul({}, two)", "Sub({}, one)", "Max({0}, s)", "Identity({})")
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


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(find_toolkit("2.3.2", None)) as started:
        yield started


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
def test_it_is_told_and_fixed_for_targets_that_compute_in_fp16(tmp_path: Path, precision: str, count: int) -> None:
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
    assert len([d for d in done.before.diagnostics if d.code == CODE]) == count
    assert [fix.code for fix in done.fixes.applied] == [CODE] * count
    assert [d for d in done.after.diagnostics if d.code == CODE] == []


@pytest.mark.toolkit
@pytest.mark.parametrize(("scale", "overflows"), [(1000.0, True), (10.0, False)])
def test_the_simulator_agrees(tmp_path: Path, scale: float, overflows: bool) -> None:
    from rkgraph.compile.tensors import read_npz, write_npz
    from rkgraph.toolkit.jobs import Job

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


@pytest.mark.parametrize("name", FORMS)
def test_scaled_it_is_the_same_bit_for_bit_and_fits(name: str, tmp_path: Path) -> None:
    proto = form(name)
    outcome = mended(proto, 1000.0, tmp_path)
    assert {fix.code for fix in outcome.fixes.applied} == {CODE}
    assert {proof.outcome for proof in outcome.proofs} <= {"proved", "skipped"}
    assert [d.code for d in outcome.after.diagnostics] == []
    after = outcome.model.proto(weights=True)
    case = feeds_of(proto, 1000.0, seed=9)
    np.testing.assert_array_equal(run(after, case)[0], run(proto, case)[0])
    (exact,), (half,) = run(proto, case), run(in_fp16(after), {k: v.astype(np.float16) for k, v in case.items()})
    assert np.linalg.norm(half - exact) < 0.005 * np.linalg.norm(exact)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.sampled_from(STEPS), min_size=1, max_size=5),
    st.floats(300, 20000),
    st.sampled_from(["Sqrt", "Mul c", "Log", "Div", "Clip, Log", "ReduceLogSum"]),
)
def test_chains_that_overflow_stay_the_same(steps: list[str], scale: float, end: str) -> None:
    """Whatever homogeneous nodes lie between a square and where it fits again."""
    names = ["s"]
    nodes = ["s = Mul(x, x)"]
    for number, step in enumerate(steps):
        nodes.append(f"v{number} = {step.format(names[-1])}")
        names.append(f"v{number}")
    last = {
        "Sqrt": "a = Abs({0}) y = Sqrt(a)",
        "Mul c": "y = Mul({0}, c)",
        "Log": "a = Abs({0}) b = Add(a, one) y = Log(b)",
        "Div": "y = Div({0}, s)",
        "Clip, Log": "a = Clip({0}, one) y = Log(a)",
        "ReduceLogSum": "a = Abs({0}) b = Add(a, one) y = ReduceLogSum<axes = [-1]>(b)",
    }[end].format(names[-1])
    shape = "float[1, 8, 1] y" if end == "ReduceLogSum" else "float[1, 8, 16] y"
    proto = model("float[1, 8, 16] x", shape, " ".join([*nodes, last]))
    with tempfile.TemporaryDirectory() as folder:
        outcome = mended(proto, scale, Path(folder), CODE)
    assert "refuted" not in {proof.outcome for proof in outcome.proofs}
    case = feeds_of(proto, scale, seed=5)
    after, before = run(outcome.model.proto(weights=True), case)[0], run(proto, case)[0]
    np.testing.assert_allclose(after, before, rtol=1e-6, atol=1e-5 if "Log" in end else 0.0)


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ("s = Mul(x, x) y = Exp(s)", "not the same scaled"),
        ("s = Mul(x, x) y = Tanh(s)", "not the same scaled"),
        ("s = Mul(x, x) y = Add(s, c)", "is an output"),
        ("s = Mul(x, x) t = Clip(s, c, e) y = Add(t, one)", "would leave fp16 itself"),
        ("s = Mul(x, x) a = Abs(s) y = Pow(a, odd)", "not the same scaled"),
        ("s = Mul(x, x) r = Sqrt(s) t = Tanh(s) y = Add(r, t)", "not the same scaled"),
    ],
    ids=range(6),
)
def test_where_something_else_reads_it_nothing_is_done(nodes: str, reason: str, tmp_path: Path) -> None:
    outcome = mended(model("float[1, 8, 16] x", "float[1, 8, 16] y", nodes), 400.0, tmp_path)
    assert outcome.fixes.applied == ()
    assert any(reason in refused.reason for refused in outcome.fixes.refused), outcome.fixes.refused


def _decibels(opset: int) -> onnx.ModelProto:
    """A spectrum of decibels as front ends of sound compute it: powers, bands, a floor, a logarithm."""
    floor = "Clip(bands, floor)" if opset > 10 else "Clip<min = 0.0000001>(bands)"
    text = f"""<ir_version: 8, opset_import: ["" : {opset}]>
        g (float[1, 6, 16] x, float[1, 6, 16] z) => (float[1, 6, 4] y)
        <float two = {{2}}, float floor = {{0.0000001}}, float ten = {{4.3429446}}> {{
            a = Pow(x, two) b = Pow(z, two) power = Add(a, b) bands = MatMul(power, weights)
            least = {floor} log = Log(least) y = Mul(log, ten)
        }}"""
    proto = onnx.parser.parse_model(text)
    weights = np.abs(np.random.default_rng(3).normal(size=(16, 4))).astype(np.float32)
    proto.graph.initializer.append(onnx.numpy_helper.from_array(weights, "weights"))
    if opset <= 10:
        del proto.graph.initializer[1]
    return proto


@pytest.mark.parametrize("opset", [9, 13, 17])
def test_a_spectrum_of_decibels_is_mended_through_its_floor(opset: int, tmp_path: Path) -> None:
    proto = _decibels(opset)
    outcome = mended(proto, 3000.0, tmp_path, "RK231", "RK240")
    assert [d.code for d in outcome.after.diagnostics] == []
    after = outcome.model.proto(weights=True)
    case = feeds_of(proto, 3000.0, seed=9)
    case["x"][:, 0], case["z"][:, 0] = 0.0, 0.0  # silence
    (exact,), (half,) = run(proto, case), run(in_fp16(after), {k: v.astype(np.float16) for k, v in case.items()})
    np.testing.assert_allclose(half[:, 1:].astype(np.float32), exact[:, 1:].astype(np.float32), rtol=0.005)
    assert np.isfinite(half.astype(np.float32)).all()
    assert float(half[:, 0].max()) < float(half[:, 1:].min()) - 60.0


def test_weights_take_the_factor_up_and_give_it_back(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    weights = np.abs(random.normal(size=(8, 8, 1, 1))) + 5
    nodes = "p = Conv(x, w) y = Conv(p, v)"
    proto = model("float[1, 8, 4, 4] x", "float[1, 8, 4, 4] y", nodes, w=weights, v=weights / 1e4)
    main = mended(proto, 2000.0, tmp_path).model
    assert [node.inputs[0] for node in main.view().main.nodes if node.op == "Mul"] == []
    case = feeds_of(proto, 2000.0, 9)
    np.testing.assert_array_equal(run(main.proto(weights=True), case)[0], run(proto, case)[0])


def test_parts_that_are_computed_in_one_layer_are_left_alone(tmp_path: Path) -> None:
    norm = (
        "m = ReduceMean<axes = [-1]>(x) d = Sub(x, m) s = Mul(d, d) v = ReduceMean<axes = [-1]>(s) a = Add(v, e) "
        "r = Sqrt(a) y = Div(d, r)"
    )
    proto = model("float[1, 8, 16] x", "float[1, 8, 16] y", norm)
    assert mended(proto, 1000.0, tmp_path).before.diagnostics == ()


def test_a_fixed_model_is_left_as_it_is(tmp_path: Path) -> None:
    once = mended(form("unit vectors"), 1000.0, tmp_path).model.proto(weights=True)
    assert mended(once, 1000.0, tmp_path).fixes.applied == ()


@pytest.mark.toolkit
@pytest.mark.parametrize(
    ("name", "scale"),
    [*((name, 1000.0) for name in FORMS), *((name, 0.0001) for name in FORMS if name != "unit vectors")],  # epsilon
)
def test_the_simulator_computes_it_then(worker: Worker, name: str, scale: float, tmp_path: Path) -> None:
    """Before: NaN, infinite or wrong by more than 1 %. After: within 0.2 %."""
    proto = form(name)
    after = mended(proto, scale, tmp_path).model.proto(weights=True)
    case = feeds_of(proto, scale, seed=9)
    before, scaled = (
        simulated_error(worker, built, proto, case, tmp_path / folder)
        for built, folder in ((proto, "before"), (after, "after"))
    )
    assert not before < 0.01, before
    assert scaled < 0.002, scaled


@pytest.mark.toolkit
def test_the_simulator_computes_decibels_then(worker: Worker, tmp_path: Path) -> None:
    proto = _decibels(13)
    after = mended(proto, 3000.0, tmp_path, "RK231", "RK240").model.proto(weights=True)
    case = feeds_of(proto, 3000.0, seed=9)
    assert not simulated_error(worker, proto, proto, case, tmp_path / "before") < 0.01
    assert simulated_error(worker, after, proto, case, tmp_path / "after") < 0.002
