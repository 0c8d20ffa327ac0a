"""Bad models and bad words about them: one line that says what and how to mend it, exit code 2, nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from tests.builders import dynamic_model
from tests.cli.harness import Sandbox

COMMANDS = (("lint",), ("fix", "-o", "out.onnx"), ("compile", "-o", "out.rknn"))


def good(path: Path) -> Path:
    """A dynamic model: input x of shape [batch, 4]."""
    path.write_bytes(dynamic_model().SerializeToString())
    return path


def with_external_weights(path: Path, location: str) -> Path:
    """A model whose one weight is said to lie at `location`, which is not written."""
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4, 4], data_location=TensorProto.EXTERNAL)
    weight.external_data.add(key="location", value=location)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [x], [y], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    path.write_bytes(model.SerializeToString())
    return path


def truncated(path: Path) -> Path:
    content = good(path).read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    return path


def written(content: bytes) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return make


def folder(path: Path) -> Path:
    path.mkdir()
    (path / "some.txt").write_text("x")
    return path


BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "not there": (lambda path: path, "no such file"),
    "not onnx": (written(b"PK\x03\x04 this is no model at all"), "not an ONNX model"),
    "text": (written(b'{"irVersion": "8"}'), "not an ONNX model"),
    "a compiled model": (written(b"RKNN" + bytes(60)), "is a compiled .rknn"),
    "zero bytes": (written(b""), "empty"),
    "truncated": (truncated, "truncated"),
    "missing external data": (lambda p: with_external_weights(p, "gone.bin"), "gone.bin"),
    "external path above": (lambda p: with_external_weights(p, "../secret.bin"), "../secret.bin"),
    "absolute external path": (lambda p: with_external_weights(p, "/etc/passwd"), "/etc/passwd"),
}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
@pytest.mark.parametrize("case", sorted(BAD))
def test_bad_model(case: str, command: tuple[str, ...], tmp_path: Path) -> None:
    make, words = BAD[case]
    sandbox = Sandbox(tmp_path)
    make(sandbox.folder / "model.onnx")
    with sandbox.unchanged():
        outcome = sandbox.run(command[0], "model.onnx", *command[1:])
    assert outcome.code == 2, outcome.stderr
    assert "model.onnx" in outcome.error_line
    assert words in outcome.error_line
    assert outcome.hint_line


@pytest.mark.parametrize("command", ["lint", "fix"])
def test_a_folder_without_a_manifest(command: str, tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    folder(sandbox.folder / "model.onnx")
    outcome = sandbox.run(command, "model.onnx", *(["-o", "out.onnx"] if command == "fix" else []))
    assert outcome.code == 2
    assert "folder" in outcome.error_line


WORDS: dict[str, tuple[tuple[str, ...], str]] = {
    "unknown target": (("--target", "rk3855"), "rk3588"),
    "unknown toolkit": (("--toolkit", "2.3.1"), "2.3.2"),
    "unknown rules": (("--rules", "rknn-2.3.1"), "rknn-2.3.2"),
    "toolkit against rules": (("--rules", "rknn-2.3.2", "--toolkit", "2.3.0"), "2.3.0"),
    "unknown precision": (("--precision", "int8"), "w8a8"),
    "unknown input": (("--shape", "y=1x4"), "x"),
    "shape contradicts the model": (("--shape", "x=1x5"), "4"),
    "rank contradicts the model": (("--shape", "x=1x1x4"), "x"),
    "unknown dim": (("--dim", "bacth=1"), "batch"),
    "malformed shape": (("--shape", "x=1*4"), "1x256"),
}


@pytest.mark.parametrize("command", [("lint",), ("fix", "-o", "out.onnx")], ids=lambda c: c[0])
@pytest.mark.parametrize("case", sorted(WORDS))
def test_bad_words(case: str, command: tuple[str, ...], tmp_path: Path) -> None:
    options, mentioned = WORDS[case]
    sandbox = Sandbox(tmp_path)
    good(sandbox.folder / "model.onnx")
    with sandbox.unchanged():
        outcome = sandbox.run(command[0], "model.onnx", *options, *command[1:])
    assert outcome.code == 2, outcome.stdout + outcome.stderr
    assert mentioned in outcome.stderr
    assert outcome.error_line


@pytest.mark.parametrize("output", ["gone/out.onnx", ".", "model.onnx"])
def test_unwritable_output(output: str, tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    good(sandbox.folder / "model.onnx")
    with sandbox.unchanged():
        outcome = sandbox.run("fix", "model.onnx", "--shape", "x=1x4", "-o", output)
    assert outcome.code == 2
    assert outcome.hint_line


def test_one_unreadable_model_does_not_stop_the_others(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    good(sandbox.folder / "good.onnx")
    (sandbox.folder / "bad.onnx").write_bytes(b"")
    outcome = sandbox.run("lint", "bad.onnx", "good.onnx", "--format", "json")
    assert outcome.code == 2
    assert '"error": null' in outcome.stdout
    assert "bad.onnx" in outcome.stderr + outcome.stdout


def test_linting_leaves_the_model_alone(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    path = good(sandbox.folder / "model.onnx")
    onnx.checker.check_model(onnx.load(path))
    with sandbox.unchanged():
        assert sandbox.run("lint", "model.onnx").code == 1
