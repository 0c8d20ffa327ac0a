"""`rkgraph run` as a user runs it: bad input, and ONNX models on the CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rkgraph.compile.manifest import Bundle, BundleStage, Crop, Padding
from rkgraph.graph.load import read_view
from tests.builders import saved, text_model
from tests.cli.harness import Sandbox
from tests.runtime.test_rknn_header import rknn

RELU = "g (float[1,4] x) => (float[1,4] y) { y = Relu(x) }"


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    made = Sandbox(tmp_path)
    saved(text_model(RELU), made.folder)
    np.savez(made.folder / "x.npz", x=np.array([[-1, 0, 1, 2]], np.float32))
    return made


def test_an_onnx_model_on_the_cpu(sandbox: Sandbox) -> None:
    outcome = sandbox.run("run", "model.onnx", "--inputs", "x.npz", "-o", "y.npz")
    assert outcome.code == 0
    assert "backend: cpu (it is not compiled)" in outcome.stderr
    assert "float32" in outcome.stdout
    assert "1x4" in outcome.stdout
    assert np.load(sandbox.folder / "y.npz")["y"].tolist() == [[0, 0, 1, 2]]
    quiet = sandbox.run("run", "model.onnx", "--inputs", "x.npz", "--quiet")
    assert not quiet.stderr


def test_padding_is_said(sandbox: Sandbox) -> None:
    stage = BundleStage.of(read_view(sandbox.folder / "model.onnx"), "model.onnx")
    Bundle.create(sandbox.folder, [stage], padding=[Padding("x", 1, 0)], crops=[Crop("y", 1, "x", 1)])
    np.savez(sandbox.folder / "x.npz", x=np.ones((1, 3), np.float32))
    outcome = sandbox.run("run", ".", "--inputs", "x.npz", "--backend", "cpu")
    assert outcome.code == 0
    assert "padded: x from 3 to 4 along axis 1 (25% padding)" in outcome.stderr
    assert "1x3" in outcome.stdout


BAD: list[tuple[list[str], str, str]] = [
    (["absent.rk", "--inputs", "x.npz"], "absent.rk", ""),
    (["model.onnx", "--inputs", "absent.npz"], "absent.npz", ""),
    (["model.onnx", "--inputs", "model.onnx"], "is not a .npz", "numpy.savez"),
    (["model.onnx", "--inputs", "array.npy"], "is a single array", "numpy.savez"),
    (["model.onnx", "--inputs", "pickled.npz"], "is not a .npz of plain arrays", "numpy.savez"),
    (["model.onnx", "--inputs", "empty.npz"], "nothing is given for input x", "the inputs are x"),
    (["model.onnx", "--inputs", "x.npz", "--core-mask", "7"], "core mask '7' does not exist", "known are"),
    (["model.onnx", "--inputs", "x.npz", "-o", "text.txt/y.npz"], "cannot be written", "text.txt"),
    (["model.onnx", "--inputs", "typo.npz"], "xs is not an input", "did you mean x"),
    (["model.onnx", "--inputs", "shape.npz"], "1x5", "nothing is padded"),
    (["model.onnx", "--inputs", "dtype.npz"], "float64", "astype"),
    (["model.onnx", "--inputs", "x.npz", "-o", "absent/y.npz"], "cannot be written", "absent"),
    (["model.onnx", "--inputs", "x.npz", "--backend", "board"], "is not compiled", "rkgraph compile"),
    (["model.onnx", "--inputs", "x.npz", "--backend", "board", "--core-mask", "9"], "core mask", "known are"),
    (
        ["model.onnx", "--inputs", "x.npz", "--backend", "simulator"],
        "is not installed",
        "rkgraph toolkit install 2.3.2",
    ),
    (["m.rknn", "--inputs", "x.npz"], "only the board runs a .rknn", "-o FOLDER.rk"),
    (["zero.rknn", "--inputs", "x.npz"], "is no .rknn", "rkgraph compile"),
    (["half.rknn", "--inputs", "x.npz"], "truncated", ""),
    (["text.txt", "--inputs", "x.npz"], "neither .onnx nor .rknn", ""),
    ([".", "--inputs", "x.npz"], "is no bundle", "rkgraph fix"),
]


@pytest.mark.parametrize(("arguments", "said", "mend"), BAD, ids=[" ".join(each[0]) for each in BAD])
def test_bad_input_is_one_line_and_exit_code_2(sandbox: Sandbox, arguments: list[str], said: str, mend: str) -> None:
    folder = sandbox.folder
    np.save(folder / "array.npy", np.ones((1, 4), np.float32))
    np.savez(folder / "pickled.npz", x=np.array([{"a": 1}], dtype=object))
    np.savez(folder / "empty.npz")
    np.savez(folder / "typo.npz", xs=np.ones((1, 4), np.float32))
    np.savez(folder / "shape.npz", x=np.ones((1, 5), np.float32))
    np.savez(folder / "dtype.npz", x=np.ones((1, 4)))
    (folder / "m.rknn").write_bytes(rknn())
    (folder / "half.rknn").write_bytes(rknn()[:80])
    (folder / "zero.rknn").touch()
    (folder / "text.txt").write_text("text")
    with sandbox.unchanged():
        outcome = sandbox.run("run", *arguments)
    assert outcome.code == 2
    assert said in outcome.error_line
    if mend:
        assert mend in outcome.hint_line
