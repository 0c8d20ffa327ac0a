from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from rkgraph.toolkit import worker as worker_module
from rkgraph.toolkit.locate import Toolkit

HERE = Path(__file__).parent
SESSIONS = HERE / "sessions"
FAKE_PACKAGES = HERE / "fake_rknn"
WORKER = Path(worker_module.__file__)

_START = f"""
import runpy, sys
sys.path.insert(0, {str(FAKE_PACKAGES)!r})
sys.argv[0] = {str(WORKER)!r}
runpy.run_path(sys.argv[0], run_name="__main__")
"""

FAKE_TOOLKIT = Toolkit("2.3.2", Path(sys.executable), (sys.executable, "-c", _START))
"""The real worker over a toolkit that does what the model file says (`fake_rknn`)."""


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., Path]:
    """Write a "model" for the fake toolkit: stage=[actions]."""

    def write(**stages: list[str]) -> Path:
        path = tmp_path / "model.onnx"
        path.write_text(json.dumps(stages))
        return path

    return write


@pytest.fixture
def private_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder of the test's own; afterwards it must be empty and no process may know it."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield folder
    assert eventually(lambda: not processes_with(str(folder))), processes_with(str(folder))
    assert eventually(lambda: not list(folder.iterdir())), list(folder.iterdir())


def processes_with(text: str) -> list[psutil.Process]:
    """Living processes with `text` on their command line."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = process.info["cmdline"] or ()
        if process.info["status"] != psutil.STATUS_ZOMBIE and any(text in word for word in line):
            found.append(process)
    return found


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """True as soon as `condition` is; false if it never was."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
