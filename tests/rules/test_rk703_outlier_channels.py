from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper

from rkgraph.analysis.smoothing import error_of, smoothing
from rkgraph.engine.fix import FixOutcome, FixSettings, fix_model
from rkgraph.graph.model import Model
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.locate import find_toolkit
from tests.rules.harness import diagnostics
from tests.rules.quantized import quantized_likeness
from tests.rules.rewriting import run

CODE = "RK703"
INT8 = Target(precision="w8a8")
CHANNELS, COLUMNS = 32, 16

NORM = "h = LayerNormalization<axis = -1>(x, gamma, beta)"
PRODUCT = "h = Mul(gamma, x)"
BIASED = "p = Mul(x, gamma) h = Add(p, beta)"
MATMUL = "y = MatMul(h, w) z = MatMul(h, v)"
GEMM = "y = Gemm(h, w, c) z = Gemm<transB = 1, alpha = 0.5>(h, u)"


def model(scaled: str, read: str, outliers: float = 60.0, seed: int = 0) -> onnx.ModelProto:
    rank = f"8, {CHANNELS}" if "Gemm" in read else f"1, 8, {CHANNELS}"
    out = rank.replace(f"{CHANNELS}", f"{COLUMNS}")
    text = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 17]> g (float[{rank}] x) => (float[{out}] y, float[{out}] z) '
        f"{{ {scaled} {read} }}"
    )
    random = np.random.default_rng(seed)
    gamma = np.ones(CHANNELS) + 0.1 * random.normal(size=CHANNELS)
    gamma[[3, 17]] *= outliers
    weights = {name: random.normal(size=(CHANNELS, COLUMNS)) for name in "wv"}
    for weight in weights.values():
        weight[[3, 17]] /= outliers
    arrays = {"gamma": gamma, "beta": 0.1 * gamma, **weights, "u": weights["v"].T, "c": random.normal(size=COLUMNS)}
    read_names = {name for node in text.graph.node for name in node.input}
    text.graph.initializer.extend(
        numpy_helper.from_array(array.astype(np.float32), name) for name, array in arrays.items() if name in read_names
    )
    return text


def samples(proto: onnx.ModelProto, count: int = 6) -> list[dict[str, np.ndarray]]:
    random = np.random.default_rng(1)
    shape = [d.dim_value for d in proto.graph.input[0].type.tensor_type.shape.dim]
    return [{"x": random.normal(size=shape).astype(np.float32)} for _ in range(count)]


def fixed(proto: onnx.ModelProto, folder: Path, given: list[dict[str, np.ndarray]]) -> FixOutcome:
    path = folder / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    rules = RuleSet("test", "2.3.2", (CODE, "RK303"))
    return fix_model(Model.load(path), INT8, rules, Options(), proof="local", settings=FixSettings(samples=given))


@pytest.mark.parametrize("read", [MATMUL, GEMM])
@pytest.mark.parametrize("scaled", [NORM, PRODUCT, BIASED])
def test_results_stay_the_same(scaled: str, read: str, tmp_path: Path) -> None:
    proto = model(scaled, read)
    outcome = fixed(proto, tmp_path, samples(proto))
    assert [fix.code for fix in outcome.fixes.applied if fix.code == CODE] == [CODE]
    assert {proof.outcome for proof in outcome.proofs} <= {"proved", "skipped"}
    for feeds in samples(proto, 2):
        for after, before in zip(run(outcome.model.proto(weights=True), feeds), run(proto, feeds), strict=True):
            np.testing.assert_allclose(np.asarray(after), np.asarray(before), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("scaled", [NORM, PRODUCT])
def test_a_fixed_model_is_left_as_it_is(scaled: str, tmp_path: Path) -> None:
    proto = model(scaled, MATMUL)
    again = fixed(fixed(proto, tmp_path, samples(proto)).model.proto(weights=True), tmp_path, samples(proto))
    assert [fix.code for fix in again.fixes.applied] == []


def test_alike_channels_are_no_finding(tmp_path: Path) -> None:
    proto = model(PRODUCT, MATMUL, outliers=2.0)
    assert fixed(proto, tmp_path, samples(proto)).before.diagnostics == ()


def test_what_gains_too_little_is_refused(tmp_path: Path) -> None:
    proto = model(PRODUCT, MATMUL)
    for tensor in proto.graph.initializer:  # wide channels that also weigh most: there is no room in the weights
        if tensor.name in ("w", "v"):
            array = numpy_helper.to_array(tensor).copy()
            array[[3, 17]] *= 60.0 * 60.0
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    (refused,) = fixed(proto, tmp_path, samples(proto)).fixes.refused
    assert "gains too little" in refused.reason


@pytest.mark.parametrize("more", ["r = Relu(h)", "r = MatMul(h, k)", "r = Add(h, x)"])
def test_what_else_reads_the_activation_leaves_it_alone(more: str, tmp_path: Path) -> None:
    proto = model(PRODUCT, f"{MATMUL} k = Transpose<perm = [0, 2, 1]>(x) {more}")
    proto.graph.output.append(onnx.ValueInfoProto(name="r"))
    proto = onnx.shape_inference.infer_shapes(proto)
    assert diagnostics(proto, CODE, target=INT8, samples=1.0) == ()


def test_without_samples_or_in_fp16_nothing_is_found() -> None:
    proto = model(PRODUCT, MATMUL)
    assert diagnostics(proto, CODE, target=INT8) == ()
    assert diagnostics(proto, CODE, samples=1.0) == ()
    assert len(diagnostics(proto, CODE, target=INT8, samples=1.0)) == 1


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(1, 500), st.integers(2, 24))
def test_factors_are_powers_of_two_and_never_make_it_worse(seed: int, outlier: float, channels: int) -> None:
    random = np.random.default_rng(seed)
    activation = random.normal(size=(16, channels))
    activation[:, seed % channels] *= outlier
    weights = [random.normal(size=(channels, 5)), random.normal(size=(channels, 3))]
    found = smoothing(activation, weights)
    factors = np.array(found.factors)
    assert found.after <= found.before
    assert (np.log2(factors) == np.round(np.log2(factors))).all()
    np.testing.assert_allclose(
        error_of(activation / factors, [w * factors[:, None] for w in weights]), found.after, rtol=1e-9
    )


@pytest.mark.toolkit
def test_the_quantized_simulator_gains_by_it(tmp_path: Path) -> None:

    proto = model(BIASED, MATMUL, outliers=60.0)
    given = samples(proto)
    after = fixed(proto, tmp_path, given).model.proto(weights=True)
    with Worker(find_toolkit("2.3.2", None)) as worker:
        plain = quantized_likeness(worker, proto, proto, given, tmp_path / "before")
        smooth = quantized_likeness(worker, after, proto, given, tmp_path / "after")
    assert 1 - smooth < 0.5 * (1 - plain)
