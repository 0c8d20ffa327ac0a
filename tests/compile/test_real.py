"""Compiling with the real rknn-toolkit2 2.3.2 (`rkgraph toolkit install 2.3.2`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rkgraph.compile.build_config import BuildConfig
from rkgraph.compile.bundles import compile_to_bundle
from rkgraph.compile.cache import CompileCache
from rkgraph.compile.compiler import compile_model
from rkgraph.compile.diagnosis import CompileFailed
from rkgraph.compile.plan import Plan, Verify
from rkgraph.compile.toolchain import Toolchain
from rkgraph.diagnostics import Verdict
from rkgraph.runtime import Pipeline
from rkgraph.runtime.rknn_header import read_header
from rkgraph.targets import Target
from tests.builders import saved, text_model
from tests.compile.conftest import without_toolkit

pytestmark = pytest.mark.toolkit
Chain = Callable[[], Toolchain]


def test_build_verify_and_cache(tmp_path: Path, mlp: Path, real_chain: Chain) -> None:
    cache = CompileCache(tmp_path / "cache")
    plan = Plan(mlp, Target(), verify=Verify(0.9999))
    with real_chain() as chain:
        built = compile_model(plan, tmp_path / "m.rknn", chain, cache=cache)
    assert built.verification is not None
    assert built.verification.passed
    assert built.result.verdict is Verdict.DEPLOYABLE
    assert built.result.compile is not None
    assert built.result.compile["stages"][0]["agreement"]["unmapped"] == 0
    header = read_header(tmp_path / "m.rknn")
    assert (header.format, header.platform, header.toolkit) == (6, "rk3588", "2.3.2")
    assert [(t.name, t.dtype, t.shape) for t in header.inputs] == [("x", "float16", (1, 8, 64))]
    assert [(t.name, t.shape) for t in header.outputs] == [("y", (1, 8, 16))]
    with Toolchain(without_toolkit) as chain:
        again = compile_model(plan, tmp_path / "n.rknn", chain, cache=cache)
    assert again.verification == built.verification
    assert (tmp_path / "n.rknn").read_bytes() == (tmp_path / "m.rknn").read_bytes()


def test_a_wrong_reference_is_refuted(tmp_path: Path, mlp: Path, real_chain: Chain) -> None:
    other = saved(text_model("g (float[1,8,64] x) => (float[1,8,64] y) { y = Neg(x) }"), tmp_path, "other.onnx")
    with real_chain() as chain:
        built = compile_model(Plan(mlp, Target(), verify=Verify(against=other)), tmp_path / "m.rknn", chain)
    assert built.verification is not None
    assert not built.verification.passed


def test_quantized_build_and_its_simulation(tmp_path: Path, mlp: Path, real_chain: Chain) -> None:
    target = Target(precision="w8a8")
    samples = np.random.default_rng(1).standard_normal((8, 1, 8, 64)).astype(np.float32)
    np.savez(tmp_path / "samples.npz", x=samples)
    config = BuildConfig.of({"quantized_algorithm": "mmse"}, target)
    plan = Plan(mlp, target, config, tmp_path / "samples.npz", Verify(0.99))
    with real_chain() as chain:
        compiled = compile_to_bundle(plan, tmp_path / "q.rk", chain)
    (built,) = compiled.stages
    assert built.verification is not None
    assert built.verification.passed
    assert built.result.compile is not None
    assert any(layer["dtype"] == "INT8" for layer in built.result.compile["stages"][0]["layers"])
    with Pipeline(tmp_path / "q.rk", "simulator") as simulator, Pipeline(tmp_path / "q.rk", "cpu") as cpu:
        feeds = {"x": samples[0]}
        simulated, exact = simulator(feeds)["y"], cpu(feeds)["y"]
    assert 0 < np.abs(simulated - exact).max() < 0.1


def test_normalisation_is_compiled_in(tmp_path: Path, real_chain: Chain) -> None:
    model = saved(text_model("g (float[1,3,8,8] x) => (float[1,3,8,8] y) { y = Relu(x) }"), tmp_path)
    options = {"mean_values": [[10, 20, 30]], "std_values": [[1, 2, 4]]}
    plan = Plan(model, Target(), BuildConfig.of(options, Target()), verify=Verify(0.9999, tmp_path / "x.npz"))
    np.savez(tmp_path / "x.npz", x=np.random.default_rng(0).uniform(0, 60, (1, 3, 8, 8)).astype(np.float32))
    with real_chain() as chain:
        built = compile_model(plan, tmp_path / "m.rknn", chain)
    assert built.verification is not None
    assert built.verification.passed, built.verification


def test_a_build_that_fails_names_node_and_mend(tmp_path: Path, real_chain: Chain) -> None:
    text = "g (float[1,8,8] x, int64[1] axes) => (float[N,M,K] y) { r = Relu(x)  y = ReduceSum(r, axes) }"
    model = text_model(text)
    model.graph.node[1].name = "sum"
    path = saved(model, tmp_path)
    with real_chain() as chain, pytest.raises(CompileFailed) as failed:
        compile_model(Plan(path, Target()), tmp_path / "m.rknn", chain)
    assert "at sum (ReduceSum)" in failed.value.message
    assert "need to be constant" in failed.value.message
    assert failed.value.hint
    assert [each.name for each in tmp_path.iterdir()] == ["model.onnx"]
