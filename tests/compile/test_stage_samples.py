"""Calibration samples of bundles whose stages do not begin with the one that is quantized."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rkgraph.compile.build_config import BuildConfig
from rkgraph.compile.bundle_parts import BundleStage
from rkgraph.compile.bundles import compile_bundle
from rkgraph.compile.calibration import read_calibration, read_kept
from rkgraph.compile.manifest import Bundle
from rkgraph.compile.plan import Plan
from rkgraph.compile.stage_samples import keep_samples, samples_of_stages
from rkgraph.compile.tensors import tensors_of, write_npz
from rkgraph.compile.toolchain import Toolchain
from rkgraph.errors import ModelError, UsageError
from rkgraph.graph.load import read_view
from rkgraph.runtime.pipeline import Pipeline
from rkgraph.targets import Target
from rkgraph.toolkit.locate import find_toolkit
from tests.rules.harness import parse
from tests.rules.rewriting import run

INT8 = Target(precision="w8a8")
ROWS = ", ".join(str((7 * i) % 23 / 10 - 1) for i in range(128))
STAGES = {
    "1-host": f"""g (int64[1, 8] ids) => (float[1, 8, 16] e) <float[8, 16] table = {{{ROWS}}}> {{
        e = Gather(table, ids) }}""",
    "2-npu": "g (float[1, 8, 16] e) => (float[1, 8, 16] h) { a = Relu(e) h = Sigmoid(a) }",
    "3-host": "g (float[1, 8, 16] h) => (float[1, 8, 16] n) <float ten = {10}> { n = Mul(h, ten) }",
    "4-npu": "g (float[1, 8, 16] n, float[1, 8, 16] e) => (float[1, 8, 16] y) { s = Add(n, e) y = Tanh(s) }",
}
IDS = np.random.default_rng(0).integers(0, 8, (5, 1, 8))


def bundle_of(folder: Path, *names: str) -> Bundle:
    folder.mkdir()
    stages = []
    for name in names:
        (folder / f"{name}.onnx").write_bytes(parse(STAGES[name]).SerializeToString())
        kind = "rknn" if name.endswith("npu") else "onnx"
        stages.append(BundleStage.of(read_view(folder / f"{name}.onnx"), f"{name}.onnx", name=name, kind=kind))
    first, last = (read_view(folder / f"{name}.onnx").main for name in (names[0], names[-1]))
    return Bundle.create(folder, stages, target=INT8, inputs=tensors_of(first)[0], outputs=tensors_of(last)[1])


def samples(folder: Path, **arrays: np.ndarray) -> Path:
    write_npz(folder / "samples.npz", arrays)
    return folder / "samples.npz"


def test_the_stages_in_front_are_run_on_the_samples(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path / "b", *STAGES)
    found = samples_of_stages(bundle, (1, 3), samples(tmp_path, ids=IDS), {}, tmp_path)
    assert sorted(found) == [1, 3]
    for number, ids in enumerate(IDS):
        (e,) = run(STAGES["1-host"], {"ids": ids})
        (h,) = run(STAGES["2-npu"], {"e": e})
        assert np.array_equal(read_calibration(found[1], bundle.stages[1].inputs).rows[number][0], e)
        n, again = read_calibration(found[3], bundle.stages[3].inputs).rows[number]
        np.testing.assert_array_equal(n, 10 * h)
        np.testing.assert_array_equal(again, e)


def test_samples_of_the_only_stage_are_taken_as_they_are(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path / "b", "1-host", "2-npu")
    own = samples(tmp_path, e=np.zeros((3, 1, 8, 16), np.float32))
    assert samples_of_stages(bundle, (1,), own, {}, tmp_path) == {1: own}


def test_all_samples_are_kept_in_one_file(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path / "b", *STAGES)
    found = samples_of_stages(bundle, (1, 3), samples(tmp_path, ids=IDS), {}, tmp_path)
    assert keep_samples({i: bundle.stages[i] for i in found}, found, tmp_path / "kept.npz")
    assert sorted(path.name for path in tmp_path.glob("part*")) == []
    for index, path in found.items():
        inputs = bundle.stages[index].inputs
        assert read_kept(tmp_path / "kept.npz", inputs).digest == read_calibration(path, inputs).digest


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [({"words": IDS}, "ids"), ({"ids": IDS[:, :, :3]}, "the model takes 1x8"), ({"ids": IDS + 100}, "does not run it")],
    ids=["names", "shape", "values"],
)
def test_what_does_not_fit_is_told(arrays: dict[str, np.ndarray], reason: str, tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path / "b", *STAGES)
    with pytest.raises((UsageError, ModelError), match=reason):
        samples_of_stages(bundle, (1, 3), samples(tmp_path, **arrays), {}, tmp_path)


def test_images_cannot_be_run(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path / "b", *STAGES)
    (tmp_path / "cat.jpg").write_bytes(b"\xff\xd8")
    (tmp_path / "list.txt").write_text("cat.jpg\n")
    with pytest.raises(UsageError, match="images"):
        samples_of_stages(bundle, (1, 3), tmp_path / "list.txt", {}, tmp_path)


@pytest.mark.toolkit
def test_a_bundle_that_begins_on_the_host_is_quantized_and_runs(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path / "b", *STAGES)
    plan = Plan(Path(), INT8, BuildConfig(), samples(tmp_path, ids=IDS))
    with Toolchain(lambda: find_toolkit("2.3.2", None)) as chain:
        compile_bundle(bundle, tmp_path / "b", plan, chain)
    assert (tmp_path / "b" / "calibration.npz").is_file()
    (e,) = run(STAGES["1-host"], {"ids": IDS[0]})
    (h,) = run(STAGES["2-npu"], {"e": e})
    with Pipeline(tmp_path / "b", "simulator", find_toolkit=lambda version: find_toolkit(version, None)) as pipeline:
        y = pipeline({"ids": IDS[0]})["y"]
    np.testing.assert_allclose(y, np.tanh(10 * h + e), atol=0.03)
