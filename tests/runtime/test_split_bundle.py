"""Bundles of several kinds of stages: fixed, written, compiled and run, strings and sequences included."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rkgraph.cli.common import parse_allow
from rkgraph.compile.bundles import compile_bundle
from rkgraph.compile.fixed_bundle import write_fixed
from rkgraph.compile.manifest import Bundle
from rkgraph.compile.plan import Plan
from rkgraph.compile.tensors import read_npz, write_npz
from rkgraph.compile.toolchain import Toolchain
from rkgraph.engine.fix import fix_model
from rkgraph.errors import UsageError
from rkgraph.graph.model import Model
from rkgraph.results import TensorInfo
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import load_ruleset
from rkgraph.runtime.pipeline import Pipeline
from rkgraph.runtime.values import as_declared, gathered, spread
from rkgraph.targets import Target
from rkgraph.toolkit.locate import find_toolkit
from tests.cli.harness import Sandbox
from tests.rules.harness import parse
from tests.rules.rewriting import run

W = "float[8, 8] w = {" + ", ".join(str((7 * i) % 11 / 8 - 0.6) for i in range(64)) + "}"
HEAD = f"""agraph (float[8, 8] x) => (int64[2, n] y) <{W}> {{
    product = MatMul(x, w) positive = Relu(product) y = NonZero(positive) }}"""
TEXTS = f"""agraph (string[3] words, float[8, 8] x, seq(float[8, 8]) many)
    => (float[8, 8] y, string[k] lower, seq(float[8, 8]) more)
    <{W}> {{
    lower = StringNormalizer<case_change_action = "LOWER", locale = "C">(words)
    product = MatMul(x, w) y = Relu(product) more = SequenceInsert(many, y) }}"""
X = np.random.default_rng(0).normal(size=(8, 8)).astype(np.float32)


def bundle_of(text: str, folder: Path) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(parse(text).SerializeToString())
    outcome = fix_model(
        Model.load(path), Target(), load_ruleset("rknn-2.3.2"), Options(), parse_allow(["split"]), proof="local"
    )
    write_fixed(outcome, folder / "model.rk", Target())
    return folder / "model.rk"


def sequence(*arrays: np.ndarray) -> list[np.ndarray]:
    return list(arrays)


def test_the_manifest_holds_stages_of_both_kinds(tmp_path: Path) -> None:
    bundle = Bundle.read(bundle_of(HEAD, tmp_path))
    assert [(stage.name, stage.kind, stage.source) for stage in bundle.stages] == [
        ("1-npu", "rknn", "1-npu.onnx"),
        ("2-host", "onnx", "2-host.onnx"),
    ]
    assert [tensor.name for tensor in bundle.inputs] == ["x"]
    assert [tensor.name for tensor in bundle.outputs] == ["y"]


def test_a_bundle_runs_on_the_cpu_as_the_model_does(tmp_path: Path) -> None:
    with Pipeline(bundle_of(HEAD, tmp_path), "cpu") as pipeline:
        np.testing.assert_array_equal(pipeline({"x": X})["y"], run(HEAD, {"x": X})[0])


def test_strings_and_sequences_pass(tmp_path: Path) -> None:
    words = np.array(["Two", "ONE", "b"], dtype=object)
    with Pipeline(bundle_of(TEXTS, tmp_path), "cpu") as pipeline:
        assert {stage.kind for stage in pipeline.bundle.stages} == {"rknn", "onnx"}
        found = pipeline({"words": words, "x": X, "many": sequence(X, 2 * X)})  # type: ignore[dict-item]
    assert list(found["lower"]) == ["two", "one", "b"]
    assert len(found["more"]) == 3
    np.testing.assert_array_equal(found["more"][2], found["y"])


def test_the_command_reads_and_writes_strings_and_sequences(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    bundle_of(TEXTS, sandbox.folder)
    given = {"words": np.array(["A", "b", "C"]), "x": X, "many/0": X, "many/1": X}
    write_npz(sandbox.folder / "in.npz", given)
    done = sandbox.run("run", "model.rk", "--inputs", "in.npz", "--backend", "cpu", "-o", "out.npz")
    assert done.code == 0, done.stderr
    found = read_npz(sandbox.folder / "out.npz")
    assert sorted(found) == ["lower", "more/0", "more/1", "more/2", "y"]
    assert list(found["lower"]) == ["a", "b", "c"]


def test_the_command_writes_a_bundle_and_refuses_one_file(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    (sandbox.folder / "model.onnx").write_bytes(parse(HEAD).SerializeToString())
    done = sandbox.run("fix", "model.onnx", "--allow", "split", "-o", "one.onnx")
    assert done.code == 2
    assert "2-host" in done.stderr
    assert "one.rk" in done.stderr
    assert not (sandbox.folder / "one.onnx").exists()
    done = sandbox.run("fix", "model.onnx", "--allow", "split", "-o", "two.rk", "--report", "fix.json")
    assert done.code == 0, done.stderr
    assert "1-npu  2 nodes: x float32 8x8 → positive float32 8x8" in done.stdout
    after = json.loads((sandbox.folder / "fix.json").read_text())["results"][1]
    assert after["verdict"] == "deployable"
    assert [stage["file"] for stage in after["stages"]] == ["1-npu.onnx", "2-host.onnx"]
    assert {node["device"] for node in after["placement"]} == {"npu", "host"}


def test_an_older_bundle_is_replaced_as_a_whole_and_another_folder_is_refused(tmp_path: Path) -> None:
    folder = bundle_of(HEAD, tmp_path)
    (folder / "stale.onnx").write_bytes(b"")
    assert not (bundle_of(HEAD, tmp_path) / "stale.onnx").exists()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("keep")
    outcome = fix_model(Model.load(tmp_path / "model.onnx"), Target(), load_ruleset("rknn-2.3.2"), Options())
    with pytest.raises(UsageError, match="no bundle"):
        write_fixed(outcome, tmp_path / "other", Target())


def test_what_the_npu_gives_becomes_what_its_model_declares() -> None:
    tensors = (TensorInfo("i", "int64", (2, 1)), TensorInfo("b", "bool", (2,)), TensorInfo("f", "float32", (None,)))
    outputs = {"i": np.array([2.9999, -1.0], np.float32), "b": np.array([0.0, 1.0]), "f": np.zeros(3, np.float16)}
    found = as_declared(outputs, tensors)
    assert found["i"].tolist() == [[3], [-1]]
    assert found["i"].dtype == np.int64
    assert found["b"].tolist() == [False, True]
    assert found["f"].dtype == np.float32


def test_npz_names_of_sequences_are_those_of_inputs_only() -> None:
    arrays = {"x/0": X, "s/0": X, "s/1": X}
    found = gathered(arrays, [TensorInfo("x/0", "float32", (8, 8)), TensorInfo("s", None, None)])
    assert sorted(found) == ["s", "x/0"]
    assert sorted(spread(found)) == ["s/0", "s/1", "x/0"]


@pytest.mark.toolkit
def test_a_split_bundle_compiles_and_is_simulated(tmp_path: Path) -> None:
    folder = bundle_of(HEAD, tmp_path)
    with Toolchain(lambda: find_toolkit("2.3.2", None)) as chain:
        done = compile_bundle(Bundle.read(folder), folder, Plan(folder, Target()), chain)
    assert [stage.model for stage in done.bundle.stages] == ["1-npu.rknn", None]
    with Pipeline(folder, "simulator") as pipeline:
        np.testing.assert_array_equal(pipeline({"x": X})["y"], run(HEAD, {"x": X})[0])


def test_lint_says_how_to_split_and_fix_says_where(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    (sandbox.folder / "model.onnx").write_bytes(parse(HEAD).SerializeToString())
    assert "--allow split -o model.rk" in sandbox.run("lint", "model.onnx").stdout
    told = sandbox.run("fix", "model.onnx", "--allow", "split", "--diff").stdout
    assert "2-host  1 node: positive float32 8x8 → y int64 2xn" in told
    host = parse("agraph (float[4, 4] x) => (int64[2, n] y) { y = NonZero(x) }")
    (sandbox.folder / "host.onnx").write_bytes(host.SerializeToString())
    done = sandbox.run("fix", "host.onnx", "--allow", "split", "-o", "host.rk")
    assert done.code == 1
    assert "host-only: nothing that computes could stay on the NPU" in done.stdout
