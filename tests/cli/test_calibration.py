"""`--calibration` of lint and fix: samples are read, checked, and rules learn from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.cli.harness import Sandbox
from tests.rules.harness import parse

SQUARE = """g (float[n, 4, 8, 8] x) => (float[n, 4, 8, 8] y) <float small = {0.001}> {
    square = Mul(x, x)
    y = Mul(square, small)
}"""
MASKED = """g (int64[n, 8] mask, float[n, 2, 8, 8] s) => (float[n, 2, 8, 8] y)
<float one = {1}, float fill = {-3.4e38}, int64[2] axes = {1, 2}> {
    real = Cast<to = 1>(mask) lost = Sub(one, real) wide = Unsqueeze(lost, axes)
    added = Mul(wide, fill) masked = Add(s, added) y = Softmax(masked)
}"""


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    made = Sandbox(tmp_path)
    random = np.random.default_rng(0)
    for name, text in (("square", SQUARE), ("masked", MASKED)):
        (made.folder / f"{name}.onnx").write_bytes(parse(text).SerializeToString())
    np.savez(made.folder / "square.npz", x=(random.normal(size=(5, 4, 8, 8)) * 300).astype(np.float32))
    mask = (np.arange(8) < np.array([[3], [5], [8], [2]])).astype(np.int64)
    scores = random.uniform(-6, 6, size=(4, 2, 8, 8)).astype(np.float32)
    np.savez(made.folder / "masked.npz", mask=mask, s=scores)
    return made


def test_lint_names_the_first_node_that_overflows(sandbox: Sandbox) -> None:
    done = sandbox.run("lint", "square.onnx", "--dim", "n=1", "--calibration", "square.npz", "--fail-on", "warning")
    assert done.code == 1
    assert "square reaches" in done.stdout
    assert "RK240" not in sandbox.run("lint", "square.onnx", "--dim", "n=1").stdout


def test_lint_takes_samples_for_one_model(sandbox: Sandbox) -> None:
    done = sandbox.run("lint", "square.onnx", "masked.onnx", "--calibration", "square.npz")
    assert done.code == 2
    assert "the samples of one model" in done.stderr


def test_fix_names_what_overflows_before_and_after(sandbox: Sandbox) -> None:
    done = sandbox.run("fix", "square.onnx", "--dim", "n=1", "--calibration", "square.npz", "-o", "out.onnx")
    assert done.code == 0
    assert "1 error, 1 warning → none" in done.stdout
    assert "RK240  Compute it with smaller numbers" in done.stdout


def test_fix_for_int8_fills_the_mask_as_low_as_the_scores_need(sandbox: Sandbox) -> None:
    asked = ("--dim", "n=1", "--precision", "w8a8", "--calibration", "masked.npz", "-o", "out.onnx")
    done = sandbox.run("fix", "masked.onnx", *asked)
    assert done.code == 0, done.stderr
    assert "RK701" in done.stdout
    assert "--calibration masked.npz" in done.stderr  # the next command
    constants = [
        onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(sandbox.folder / "out.onnx").graph.initializer
    ]
    lowest = min(float(array.min()) for array in constants if array.dtype == np.float32)
    assert -40 < lowest < -10


@pytest.mark.parametrize(
    ("samples", "reason"),
    [("square.npz", "mask"), ("words.txt", "no such file")],
)
def test_samples_that_do_not_fit_are_refused_in_a_line(sandbox: Sandbox, samples: str, reason: str) -> None:
    (sandbox.folder / "words.txt").write_text("a.npy b.npy\n")
    done = sandbox.run("fix", "masked.onnx", "--dim", "n=1", "--calibration", samples, "-o", "out.onnx")
    assert done.code == 2
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def test_images_are_refused(sandbox: Sandbox) -> None:
    (sandbox.folder / "cat.jpg").write_bytes(b"\xff\xd8")
    (sandbox.folder / "list.txt").write_text("cat.jpg\n")
    done = sandbox.run("fix", "square.onnx", "--dim", "n=1", "--calibration", "list.txt", "-o", "out.onnx")
    assert done.code == 2
    assert "images" in done.stderr
