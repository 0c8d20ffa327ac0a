"""A disk that is full, and Ctrl-C while a model is proved: told in one line, and no file is half written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.builders import dynamic_model
from tests.cli.harness import Sandbox

ROOM = 64
"""Bytes that a file may have: too few for any model, report or page."""

WRITERS = (
    ("lint", "model.onnx", "-o", "out.txt"),
    ("lint", "model.onnx", "--format", "json", "-o", "out.json"),
    ("fix", "model.onnx", "--shape", "x=1x4", "-o", "out.onnx"),
    ("fix", "model.onnx", "--shape", "x=1x4", "-o", "out.rk"),
    ("fix", "model.onnx", "--shape", "x=1x4", "--in-place"),
    ("fix", "model.onnx", "--shape", "x=1x4", "--diff", "--report", "out.json"),
    ("run", "model.onnx", "--inputs", "x.npz", "--backend", "cpu", "-o", "y.npz"),
    ("report", "lint.json", "-o", "page.html"),
)


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    made = Sandbox(tmp_path)
    onnx.save(dynamic_model(), made.folder / "model.onnx")
    np.savez(made.folder / "x.npz", x=np.ones((1, 4), np.float32))
    assert made.run("lint", "model.onnx", "--format", "json", "-o", "lint.json").code == 1
    return made


@pytest.mark.parametrize("command", WRITERS, ids=lambda words: f"{words[0]} {words[-1]}")
def test_a_full_disk(command: tuple[str, ...], sandbox: Sandbox) -> None:
    with sandbox.unchanged():
        outcome = sandbox.run(*command, room=ROOM)
    assert outcome.code == 2, outcome.stderr
    assert "cannot be written (File too large)" in outcome.error_line
    assert outcome.hint_line
    assert sandbox.run(*command).code in (0, 1)


def test_ctrl_c_while_the_whole_model_is_proved(sandbox: Sandbox) -> None:
    command = ("fix", "model.onnx", "--shape", "x=1x4", "--proof", "model", "-o", "out.onnx")
    with sandbox.unchanged():
        outcome = sandbox.interrupt(*command, when=lambda: any(sandbox.temporary.iterdir()))
    assert outcome.code == 130
