"""What a build is verified with, where nobody says it: samples that it was calibrated on, or images, or numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from rkgraph.compile.build_config import BuildConfig
from rkgraph.compile.plan import Plan, PreparedPlan, Verify
from rkgraph.graph.load import read_view
from rkgraph.targets import Target

MODEL = """<ir_version: 8, opset_import: ["" : 17]>
g (float[1,3,20,12] x) => (float[1,3,20,12] y) { y = Relu(x) }"""
FP16, W8A8 = Target(), Target(precision="w8a8")


def prepared(folder: Path, target: Target, calibration: Path | None = None, **options: object) -> PreparedPlan:
    path = folder / "m.onnx"
    onnx.save(onnx.parser.parse_model(MODEL), path)
    config = BuildConfig.of(options, target, "here")
    return Plan(path, target, config, calibration, Verify()).prepare(read_view(path))


def images(folder: Path, count: int) -> Path:
    (folder / "images").mkdir()
    for number in range(count):
        (folder / "images" / f"{number}.png").write_bytes(b"image")
    return folder / "images"


def test_numbers_are_made_up_where_there_are_no_samples(tmp_path: Path) -> None:
    cases = prepared(tmp_path, FP16).cases()
    assert len(cases) == 2
    assert all(abs(case["x"]).max() < 10 for case in cases)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_quantized_build_is_verified_with_its_samples(tmp_path: Path, count: int) -> None:
    samples = np.arange(count * 720, dtype=np.float32).reshape(count, 1, 3, 20, 12)
    np.savez(tmp_path / "x.npz", x=samples)
    cases = prepared(tmp_path, W8A8, tmp_path / "x.npz").cases()
    assert [case["x"][0, 0, 0, 0] for case in cases] == sorted({0.0, (count - 1) * 720.0})


def test_images_are_made_up_as_a_camera_gives_them(tmp_path: Path) -> None:
    by_samples = prepared(tmp_path, W8A8, images(tmp_path, 3))
    by_options = prepared(tmp_path, FP16, mean_values=[[0, 0, 0]], std_values=[[255, 255, 255]])
    for plan in (by_samples, by_options):
        first, second = (case["x"] for case in plan.cases())
        assert first.shape == (1, 3, 20, 12)
        assert first.dtype == np.float32
        assert np.array_equal(first, np.rint(first))
        assert first.min() >= 0
        assert 100 < first.max() <= 255
        assert not np.array_equal(first, second)


def test_what_it_is_verified_with_is_part_of_the_key(tmp_path: Path) -> None:
    plain = prepared(tmp_path, FP16)
    assert plain.verify_key == prepared(tmp_path, FP16).verify_key
    keys = {plain.verify_key, prepared(tmp_path, FP16, std_values=[[255, 255, 255]]).verify_key}
    assert len(keys) == 2
