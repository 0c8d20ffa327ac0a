"""The real rknn-toolkit2 2.3.2 (`rkgraph toolkit install 2.3.2`)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest

from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.jobs import Job, JobResult, Limits
from rkgraph.toolkit.locate import find_toolkit
from rkgraph.toolkit.logs import read_log

pytestmark = pytest.mark.toolkit

CONV = """g (float[1,3,8,6] x) => (float[1,4,6,4] z) <float[4,3,3,3] w>
{ y = Conv<kernel_shape=[3,3]>(x, w)  z = Relu(y) }"""
GATHER = """g (int64[1,5] ids, float[1,5,4] bias) => (float[1,5,4] z, float[1,4,5] t) <float[9,4] w>
{ e = Gather(w, ids)  z = Add(e, bias)  t = Transpose<perm=[0,2,1]>(z) }"""
NO_KERNEL = "g (float[1,3,8,8] x) => (float[1,3,8,8] z) { z = Trilu(x) }"
CRASH = "g (int32[2] x) => (int32[2] z) <int32[2] a = {5,6}, int32[2] b = {0,0}> { m = Mod(a, b)  z = Add(x, m) }"


def save(text: str, path: Path) -> Path:
    """Write the model; what is declared without a value becomes a random initializer."""
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]>\n{text}')
    for info in model.graph.value_info:
        shape = [dim.dim_value for dim in info.type.tensor_type.shape.dim]
        values = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(values, info.name))
    del model.graph.value_info[:]
    onnx.save(model, path)
    return path


def names_of(path: Path) -> dict[str, tuple[str, ...]]:
    graph = onnx.load(path).graph
    return {"inputs": tuple(i.name for i in graph.input), "outputs": tuple(o.name for o in graph.output)}


def run(job: Job) -> JobResult:
    with Worker(find_toolkit("2.3.2", None), Limits(seconds=300)) as worker:
        return worker.run(job)


@pytest.mark.parametrize("text", [CONV, GATHER])
def test_build_export_and_simulate(text: str, tmp_path: Path, private_tmp: Path) -> None:
    """4-D inputs keep the layout of the model, int64 inputs and several outputs keep their order."""
    model = save(text, tmp_path / "model.onnx")
    rng = np.random.default_rng(1)
    feeds = []
    for index in range(2):
        arrays = {}
        for value in onnx.load(model).graph.input:
            shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
            integer = value.type.tensor_type.elem_type == onnx.TensorProto.INT64
            arrays[value.name] = rng.integers(0, 9, shape) if integer else rng.standard_normal(shape).astype(np.float32)
        feeds.append(tmp_path / f"feeds{index}.npz")
        np.savez(feeds[-1], **arrays)
    job = Job(model, export=tmp_path / "model.rknn", simulate=tuple(feeds), output_folder=tmp_path, **names_of(model))
    result = run(job)
    assert result.outcome == "ok", result.error
    assert (tmp_path / "model.rknn").read_bytes()[:4] == b"RKNN"
    reference = onnxruntime.InferenceSession(str(model))
    for feed, output in zip(feeds, result.outputs, strict=True):
        expected = reference.run(None, dict(np.load(feed)))
        for name, values in zip(job.outputs, expected, strict=True):
            np.testing.assert_allclose(np.load(output)[name], values, rtol=0, atol=0.03)  # fp16 of values up to 12
    facts = read_log(result.log, "2.3.2")
    assert facts.layers[0].is_boundary
    assert facts.memory["weight_kb"] > 0
    assert not facts.no_lowering


def test_quantized_build(tmp_path: Path, private_tmp: Path) -> None:
    model = save(CONV, tmp_path / "model.onnx")
    rng = np.random.default_rng(2)
    samples = []
    for index in range(4):
        samples.append(tmp_path / f"{index}.npy")
        np.save(samples[-1], rng.uniform(-1, 1, (1, 3, 8, 6)).astype(np.float32))
    (tmp_path / "dataset.txt").write_text("".join(f"{sample}\n" for sample in samples))
    np.savez(tmp_path / "feeds.npz", x=np.load(samples[0]))
    job = Job(
        model,
        config={"quantized_dtype": "w8a8"},
        build={"do_quantization": True, "dataset": str(tmp_path / "dataset.txt")},
        export=tmp_path / "model.rknn",
        simulate=(tmp_path / "feeds.npz",),
        output_folder=tmp_path,
        **names_of(model),
    )
    result = run(job)
    assert result.outcome == "ok", result.error
    got = np.load(result.outputs[0])["z"].ravel()
    (expected,) = onnxruntime.InferenceSession(str(model)).run(None, {"x": np.load(samples[0])})
    cosine = got @ expected.ravel() / np.linalg.norm(got) / np.linalg.norm(expected)
    assert cosine > 0.99
    assert "INT8" in {layer.dtype for layer in read_log(result.log).layers}


def test_builds_but_will_not_run(tmp_path: Path, private_tmp: Path) -> None:
    """The line that C code keeps in its buffers until the process ends is not lost."""
    result = run(Job(save(NO_KERNEL, tmp_path / "model.onnx")))
    assert result.outcome == "ok"
    assert [node.op for node in read_log(result.log).no_lowering] == ["Trilu"]


def test_failures_crashes_and_recovery_in_one_worker(tmp_path: Path, private_tmp: Path) -> None:
    crash = Job(save(CRASH, tmp_path / "crash.onnx"), export=tmp_path / "crash.rknn")
    good = Job(save(NO_KERNEL, tmp_path / "good.onnx"))
    with Worker(find_toolkit("2.3.2", None), Limits(seconds=300)) as worker:
        died = worker.run(crash)
        refused = worker.run(replace(good, platform="rk9999"))
        fine = worker.run(good)
    assert (died.outcome, died.stage, died.signal) == ("died", "build", "SIGFPE")
    assert not (tmp_path / "crash.rknn").exists()
    assert (refused.outcome, refused.stage) == ("load-failed", "config")
    assert "Invalid target_platform 'rk9999'" in (refused.error or "")
    assert fine.ok
