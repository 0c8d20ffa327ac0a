"""What fp16 and 8 bits do to each layer: held against numpy, and against the toolkit's simulator."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rkgraph.analysis.storage_error import storage_errors
from rkgraph.compile.bundles import compile_to_bundle
from rkgraph.compile.compiler import compile_model
from rkgraph.compile.feeds import generate_feeds
from rkgraph.compile.layer_errors import stored_values, with_layer_errors
from rkgraph.compile.plan import Plan
from rkgraph.compile.tensors import tensors_of
from rkgraph.compile.toolchain import Toolchain
from rkgraph.compile.verify import reference_outputs
from rkgraph.errors import UsageError
from rkgraph.graph.half import Steps
from rkgraph.graph.load import read_view
from rkgraph.report.document import report_to_json
from rkgraph.results import Report
from rkgraph.runtime import Pipeline
from rkgraph.targets import Target
from tests.builders import saved
from tests.report.validate import check_report
from tests.rules.harness import parse

CHAIN = "g (float[1,8] x) => (float[1,8] y) { a = Exp(x)  b = Mul(a, a)  y = Sqrt(b) }"


def relative(stored: Any, exact: Any) -> float:
    return float(np.linalg.norm(stored - exact) / np.linalg.norm(exact))


def half(array: Any) -> Any:
    with np.errstate(over="ignore"):
        return np.asarray(array).astype(np.float16).astype(np.float32)


@given(hnp.arrays(np.float32, (1, 8), elements=st.floats(-4, 4, width=32)))
def test_results_are_rounded_where_they_are_stored_and_errors_add_up(x: Any) -> None:
    a = half(np.exp(half(x)))
    inner = half(a * a)
    whole = storage_errors(parse(CHAIN), {"a": None, "b": None, "y": None}, [{"x": x}])
    assert whole["a"] == pytest.approx(relative(a, np.exp(x)), rel=1e-3, abs=2e-6)
    assert whole["b"] == pytest.approx(relative(inner, np.exp(x) ** 2), rel=1e-3, abs=2e-6)
    assert whole["y"] == pytest.approx(relative(half(np.sqrt(inner)), np.exp(x)), rel=1e-3, abs=2e-6)
    fused = storage_errors(parse(CHAIN), {"y": None}, [{"x": x}])
    assert set(fused) == {"y"}
    assert fused["y"] == pytest.approx(relative(half(np.exp(half(x))), np.exp(x)), rel=1e-3, abs=2e-6)


def test_an_overflow_is_infinite_and_the_worst_sample_counts() -> None:
    calm, wild = (np.full((1, 8), value, np.float32) for value in (0.5, 6.0))
    found = storage_errors(parse(CHAIN), {"a": None, "b": None}, [{"x": calm}, {"x": wild}])
    assert found["a"] < 1e-3
    assert found["b"] == math.inf, "e^12 is beyond 65504"
    assert storage_errors(parse(CHAIN), {"b": None}, [{"x": calm}])["b"] < 2e-3


def test_weights_that_are_inputs_too_are_weights() -> None:
    x = np.full((1, 8), 1.7, np.float32)
    model = parse(f"g (float[1,8] x) => (float[1,8] y) <float[8] w = {{{','.join(['0.3'] * 8)}}}> {{ y = Mul(x, w) }}")
    expected = storage_errors(model, {"y": None}, [{"x": x}])
    model.graph.input.append(onnx.helper.make_tensor_value_info("w", onnx.TensorProto.FLOAT, [8]))
    model.ir_version = 3
    assert storage_errors(model, {"y": None}, [{"x": x}]) == expected


@given(st.floats(-50, 0), st.floats(0.01, 50), st.sampled_from([8, 16]))
def test_whole_steps_hold_zero_and_both_ends(low: float, high: float, bits: int) -> None:
    steps = Steps.over(low, high, bits)
    for value in (0.0, low, high):
        code = min(max(round(value / steps.scale) + steps.zero, steps.least), steps.most)
        assert abs((code - steps.zero) * steps.scale - value) <= steps.scale * 1.0001 * (value != 0)
    assert steps.most - steps.least == 2**bits - 1


def test_eight_bits_round_results_inputs_and_weights() -> None:
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(8, 4)).astype(np.float32)
    values = ",".join(f"{value:.9g}" for value in weight.ravel())
    model = parse(f"g (float[1,8] x) => (float[1,4] y) <float[8,4] w = {{{values}}}> {{ y = MatMul(x, w) }}")
    x = rng.normal(size=(1, 8)).astype(np.float32)

    def stepped(array: Any) -> Any:
        steps = Steps.over(float(array.min()), float(array.max()), 8)
        codes = np.clip(np.round(array / np.float32(steps.scale)) + steps.zero, -128, 127)
        return (codes - steps.zero) * np.float32(steps.scale)

    scale = np.abs(weight).max(axis=0, keepdims=True) / 127
    raw = stepped(x) @ (np.round(weight / scale) * scale)
    exact = Steps.over(float((x @ weight).min()), float((x @ weight).max()), 8)
    codes = np.clip(np.round(raw / np.float32(exact.scale)) + exact.zero, -128, 127)
    expected = relative((codes - exact.zero) * np.float32(exact.scale), x @ weight)
    assert storage_errors(model, {"y": 8}, [{"x": x}])["y"] == pytest.approx(expected, rel=1e-3)
    assert storage_errors(model, {"y": None}, [{"x": x}])["y"] < expected / 4


def test_only_what_leaves_a_layer_is_stored(tmp_path: Path) -> None:
    graph = read_view(saved(parse(CHAIN), tmp_path)).main
    assert stored_values(graph, {0: 3, 1: 3, 2: 4}) == {"b": 3, "y": 4}
    assert stored_values(graph, {0: 3, 2: 4}) == {"a": 3, "y": 4}, "who has no layer stores nothing, and reads"
    assert stored_values(graph, {}) == {}


def test_layers_get_the_error_of_their_results(tmp_path: Path) -> None:
    path = saved(parse(CHAIN), tmp_path)
    prepared = Plan(path, Target()).prepare(read_view(path))
    layers = [{"id": n, "op": "x", "dtype": dtype, "target": "NPU"} for n, dtype in enumerate(("FLOAT16", "FLOAT"))]
    record = {"layers": layers, "placement": [{"index": n, "layer": layer} for n, layer in enumerate((0, 0, 1))]}
    told = with_layer_errors(prepared, record)
    first, second = told["layers"]
    assert 0 < first["error"] < 2e-3
    assert "error" not in second, "fp32 is not rounded"
    assert told["layer_errors"] == {"cases": 2, "inputs": "generated inputs"}


def test_images_are_refused_with_what_to_do(tmp_path: Path) -> None:
    path = saved(parse("g (float[1,3,4,4] x) => (float[1,3,4,4] y) { y = Relu(x) }"), tmp_path)
    (tmp_path / "one.png").write_bytes(b"")
    (tmp_path / "list.txt").write_text("one.png\n")
    plan = Plan(path, Target(precision="w8a8"), calibration=tmp_path / "list.txt")
    with pytest.raises(UsageError, match="cannot be measured with images"):
        with_layer_errors(plan.prepare(read_view(path)), {"layers": [], "placement": []})


@pytest.mark.toolkit
@pytest.mark.parametrize("precision", ["fp16", "w8a8"])
def test_the_last_layer_is_as_wrong_as_the_simulator(
    tmp_path: Path, mlp: Path, real_chain: Callable[[], Toolchain], precision: str
) -> None:
    """The simulator computes what the board does; its outputs are as far off as the copy's."""
    target = Target(precision=precision)
    view = read_view(mlp)
    cases = [generate_feeds(view.main, tensors_of(view.main)[0], seed) for seed in range(4)]
    np.savez(tmp_path / "samples.npz", x=np.stack([case["x"] for case in cases]))
    samples = tmp_path / "samples.npz" if precision == "w8a8" else None
    plan = Plan(mlp, target, calibration=samples, layer_errors=True)
    with real_chain() as chain:
        built = compile_model(plan, tmp_path / "m.rknn", chain)
        compile_to_bundle(plan, tmp_path / "m.rk", chain)
    check_report(report_to_json(Report((built.result,), {}, {"name": "rkgraph", "version": "0"})))
    layers = (built.result.compile or {})["stages"][0]["layers"]
    last = max((layer for layer in layers if "error" in layer), key=lambda layer: layer["id"])
    with Pipeline(tmp_path / "m.rk", "simulator") as pipeline:
        found = [dict(each.outputs)["y"] for each in pipeline.run_many(cases)]
    exact = [case["y"] for case in reference_outputs(mlp, cases, {})]
    simulated = max(relative(a, b) for a, b in zip(found, exact, strict=True))
    assert simulated / 2 < last["error"] < 2 * simulated
