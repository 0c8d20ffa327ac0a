"""`rkgraph inspect` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.harness import Sandbox
from tests.runtime.rknn_bytes import rknn_file


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    sandbox = Sandbox(tmp_path)
    (sandbox.folder / "m.rknn").write_bytes(rknn_file())
    return sandbox


def test_what_a_model_says(sandbox: Sandbox) -> None:
    shown = sandbox.run("inspect", "m.rknn", "--layers")
    assert shown.code == 0
    lines = shown.stdout.splitlines()
    assert lines[0] == "m.rknn: rk3588, rknn-toolkit2 2.3.2"
    assert "  input      x float32[1,3] · as int8 · NHWC · scale 0.5, zero point -128" in lines
    assert "  layers     3: 1 on the NPU · 1 on the CPU" in lines
    assert lines[-2].split() == ["1", "NPU", "ConvRelu", "c"]
    (record,) = json.loads(sandbox.run("inspect", "m.rknn", "--format", "json").stdout)
    assert record["models"][0]["inputs"][0]["zero_point"] == [-128]
    assert [layer["device"] for layer in record["models"][0]["layers"]] == ["CPU", "NPU", "CPU"]


def test_names_stay_text(sandbox: Sandbox) -> None:
    (sandbox.folder / "m.rknn").write_bytes(rknn_file((("Conv", "Conv:\x1b[31m\nx", 2),)))
    shown = sandbox.run("inspect", "m.rknn", "--layers").stdout
    assert "\x1b" not in shown
    assert "\\u001b[31m x" in shown


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("no.rknn", "no.rknn: no such file", "path"),
        ("no.onnx", "no.onnx: no such file", "path"),
        ("text.rknn", "text.rknn: is no .rknn file", "rkgraph compile"),
        ("short.rknn", "short.rknn: is truncated", "again"),
        ("m.onnx", "m.onnx: is not compiled", "rkgraph compile"),
        ("folder", "folder: is a folder, and no bundle", "bundle"),
    ],
)
def test_what_is_no_model_is_told(sandbox: Sandbox, name: str, message: str, hint: str) -> None:
    (sandbox.folder / "text.rknn").write_text("hello")
    (sandbox.folder / "short.rknn").write_bytes(rknn_file()[:200])
    (sandbox.folder / "folder").mkdir()
    (sandbox.folder / "m.onnx").write_bytes(b"")
    done = sandbox.run("inspect", name)
    assert done.code == 2
    assert message in done.error_line
    assert not hint or hint in done.hint_line
