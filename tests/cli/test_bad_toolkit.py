"""A toolkit that is missing, fails, crashes, hangs, eats memory, or is interrupted: told in one line, nothing left.

The real worker and client run; the toolkit behind them does what RKGRAPH_TEST_TOOLKIT says (`tests/toolkit/fake_rknn`).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from rkgraph.toolkit.stamp import Stamp, write_stamp
from tests.builders import dynamic_model
from tests.cli.harness import Outcome, Sandbox

FAKE_PACKAGES = Path(__file__).parent.parent / "toolkit" / "fake_rknn"
INTERPRETER = f"""#!{sys.executable}
import json, os, runpy, sys
sys.path.insert(0, {str(FAKE_PACKAGES)!r})
import rknn.api

class Scripted(rknn.api.RKNN):
    def load_onnx(self, model, **options):
        self.script = json.loads(os.environ["RKGRAPH_TEST_TOOLKIT"])
        return self.act("load")

rknn.api.RKNN = Scripted
sys.argv = [word for word in sys.argv[1:] if word != "-I"]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """A sandbox with a model and a scripted toolkit 2.3.2."""
    made = Sandbox(tmp_path)
    onnx.save(dynamic_model(), made.folder / "dynamic.onnx")
    assert made.run("fix", "dynamic.onnx", "--shape", "x=1x4", "-o", "model.onnx", "-q").code == 0
    environment = made.home / "toolkits" / "2.3.2"
    (environment / "venv" / "bin").mkdir(parents=True)
    write_stamp(environment, Stamp(sys.executable, "3.11", "2.13.0", "nobody", str(environment), 1))
    python = environment / "venv" / "bin" / "python"
    python.write_text(INTERPRETER)
    python.chmod(0o755)
    return made


def compile_with(sandbox: Sandbox, *options: str, **script: list[str]) -> Outcome:
    command = ("compile", "model.onnx", "-o", "model.rknn", *options)
    return sandbox.run(*command, env={"RKGRAPH_TEST_TOOLKIT": json.dumps(script)})


def test_a_toolkit_that_is_not_installed(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    onnx.save(dynamic_model(), sandbox.folder / "model.onnx")
    outcome = sandbox.run("compile", "model.onnx", "-o", "model.rknn")
    assert outcome.code == 2
    assert "2.3.2" in outcome.error_line
    assert "rkgraph toolkit install 2.3.2" in outcome.hint_line


FAILURES: dict[str, tuple[dict[str, list[str]], tuple[str, ...], str]] = {
    "load returns an error": ({"load": ["print E something broke", "return -1"]}, (), "load"),
    "build raises": ({"build": ["fail the reason"]}, (), "the reason"),
    "build segfaults": ({"build": ["kill SIGSEGV"]}, (), "SIGSEGV"),
    "build aborts": ({"build": ["kill SIGABRT"]}, (), "SIGABRT"),
    "build divides by zero": ({"build": ["kill SIGFPE"]}, (), "SIGFPE"),
    "build hangs": ({"build": ["sleep 600"]}, ("--timeout", "2"), "2 s"),
    "build eats memory": ({"build": ["eat 900"]}, ("--memory", "400"), "400"),
    "export fails half way": ({"export": ["return -1"]}, (), "export"),
    "process leaves": ({"build": ["sys-exit 0"]}, (), "build"),
}


@pytest.mark.parametrize("case", sorted(FAILURES))
def test_a_toolkit_that_fails(case: str, sandbox: Sandbox) -> None:
    script, options, words = FAILURES[case]
    with sandbox.unchanged():
        outcome = compile_with(sandbox, *options, **script)
    assert outcome.code == 4, outcome.stdout + outcome.stderr
    assert words in outcome.stderr
    assert outcome.error_line
    assert not list(sandbox.folder.glob("*.rknn"))


def test_a_failure_is_not_cached(sandbox: Sandbox) -> None:
    assert compile_with(sandbox, build=["fail once"]).code == 4
    outcome = compile_with(sandbox, build=["fail twice"])
    assert outcome.code == 4
    assert "twice" in outcome.stderr


def test_ctrl_c_in_the_middle_of_a_build(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    started = sandbox.home / "started"
    script = {"build": [f"spawn {started}", "sleep 600"]}
    monkeypatch.setenv("RKGRAPH_TEST_TOOLKIT", json.dumps(script))
    with sandbox.unchanged():
        outcome = sandbox.interrupt("compile", "model.onnx", "-o", "model.rknn", when=started.exists)
    assert outcome.code == 130
    assert not list(sandbox.folder.glob("*.rknn"))


def test_ctrl_c_in_the_middle_of_a_run(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(sandbox.folder / "x.npz", x=np.ones((1, 4), np.float32))
    started = sandbox.home / "started"
    monkeypatch.setenv("RKGRAPH_TEST_TOOLKIT", json.dumps({"build": [f"spawn {started}", "sleep 600"]}))
    arguments = ("run", "model.onnx", "--backend", "simulator", "--inputs", "x.npz", "-o", "y.npz")
    with sandbox.unchanged():
        outcome = sandbox.interrupt(*arguments, when=started.exists)
    assert outcome.code == 130
