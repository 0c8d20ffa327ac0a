"""`rkgraph reduce` as a user runs it: bad input, and with the real toolkit a crash, a lost kernel, Ctrl-C."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest

from rkgraph.toolkit.locate import find_toolkit
from tests.builders import attention_block, saved, text_model
from tests.cli.harness import Sandbox

RELU = "g (float[1,4] x) => (float[1,4] y) { y = Relu(x) }"


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    made = Sandbox(tmp_path)
    saved(text_model(RELU), made.folder)
    return made


BAD: list[tuple[list[str], str, str]] = [
    (["absent.onnx"], "absent.onnx", ""),
    (["text.onnx"], "text.onnx", ""),
    (["model.onnx", "-o", "absent/r.zip"], "cannot be written", "absent"),
    (["model.onnx", "-o", "."], "is a folder", "another path"),
    (["model.onnx", "--for", "kernel"], "no such symptom", "no-kernel"),
    (["model.onnx", "--for", "device"], "belong together", "--device cpu"),
    (["model.onnx", "--device", "cpu"], "belong together", "--for device"),
    (["model.onnx", "--for", "device", "--device", "cpu"], "which node", "--node NAME"),
    (["model.onnx", "--for", "device", "--device", "gpu", "--node", "y"], "gpu", "cpu or npu"),
    (["model.onnx", "--threshold", "2"], "no cosine", "up to 1"),
    (["model.onnx", "--inputs", "y.npz"], "y is not an input", "x"),
    (["model.onnx", "--shape", "z=1x4"], "no input 'z'", "x"),
    (["model.onnx", "--target", "rk3589"], "rk3589", "rk3588"),
    (["model.onnx"], "is not installed", "rkgraph toolkit install 2.3.2"),
]


@pytest.mark.parametrize(("arguments", "said", "mend"), BAD, ids=[" ".join(each[0]) for each in BAD])
def test_bad_input_is_one_line_and_exit_code_2(sandbox: Sandbox, arguments: list[str], said: str, mend: str) -> None:
    np.savez(sandbox.folder / "y.npz", y=np.zeros((1, 4), np.float32))
    (sandbox.folder / "text.onnx").write_text("this is no model")
    with sandbox.unchanged():
        outcome = sandbox.run("reduce", *arguments)
    assert outcome.code == 2
    assert said in outcome.error_line
    if mend:
        assert mend in outcome.hint_line


def test_help_has_examples(sandbox: Sandbox) -> None:
    outcome = sandbox.run("reduce", "--help")
    assert outcome.code == 0
    assert "rkgraph reduce model.onnx" in outcome.stdout


@pytest.fixture
def python() -> Path:
    """The interpreter of the managed toolkit, since a sandbox has a home of its own."""
    return find_toolkit("2.3.2", None).python


@pytest.mark.toolkit
def test_a_layer_normalization_that_fails(sandbox: Sandbox, python: Path) -> None:
    """Its epsilon is left out: the toolkit raises. Of 36 nodes one is left, and its script shows it again."""
    saved(attention_block(), sandbox.folder, "block.onnx")
    outcome = sandbox.run("reduce", "block.onnx", "--toolkit-python", python, "-o", "r.zip")
    assert outcome.code == 0, outcome.stderr
    assert "block.onnx shows this failure: build-failed at build: KeyError LayerNormalization" in outcome.stderr
    assert outcome.stdout.splitlines()[1].split() == ["nodes", "36", "1"]
    assert "nothing more can be taken away" in outcome.stdout
    with zipfile.ZipFile(sandbox.folder / "r.zip") as archive:
        archive.extractall(sandbox.folder / "r")
        log = archive.read("log.txt").decode()
    (node,) = onnx.load(sandbox.folder / "r" / "model.onnx").graph.node
    assert node.op_type == "LayerNormalization"
    assert "KeyError: 'LayerNormalization'" in log
    assert str(sandbox.folder) not in log
    assert str(python.parent.parent) not in log
    shown = subprocess.run([python, "r/reproduce.py"], cwd=sandbox.folder, capture_output=True, text=True, check=False)
    assert shown.returncode == 0
    assert shown.stdout.startswith("REPRODUCED")


@pytest.mark.toolkit
def test_a_sound_model_is_refused(sandbox: Sandbox, python: Path) -> None:
    with sandbox.unchanged():
        outcome = sandbox.run("reduce", "model.onnx", "--toolkit-python", python)
    assert outcome.code == 2
    assert "the model shows nothing to reduce; it builds, and its outputs are met: y with cosine" in outcome.error_line


@pytest.mark.toolkit
def test_ctrl_c_writes_the_best_so_far(sandbox: Sandbox, python: Path) -> None:
    saved(attention_block(), sandbox.folder, "block.onnx")
    kept = sandbox.home / "reduce"
    arguments = ["reduce", "block.onnx", "--toolkit-python", python, "--for", "build", "-o", "r.zip"]
    outcome = sandbox.interrupt(*arguments, when=lambda: kept.is_dir() and len(list(kept.glob("*/entry.json"))) > 3)
    assert outcome.code == 130
    with zipfile.ZipFile(sandbox.folder / "r.zip") as archive:
        model = onnx.load(io.BytesIO(archive.read("model.onnx")))
        assert "interrupted" in archive.read("README.md").decode()
        assert json.loads(archive.read("versions.json"))["target"] == "rk3588"
    assert any(node.op_type == "LayerNormalization" for node in model.graph.node)
    assert "run it again to go on" in outcome.stdout
    again = sandbox.run(*arguments)
    assert again.code == 0
    tries, builds = (int(word) for word in again.stdout.split("(")[1].replace(",", "").split()[0:3:2])
    assert builds < tries
