"""The pre-commit hook, run by pre-commit itself in a repository of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ci.steps import ROOT, environment, read_yaml
from tests.rules.harness import parse

CLEAN = "g (float[1, 4] x) => (float[1, 4] y) <float[1, 4] w = {1, 2, 3, 4}> { y = Mul(x, w) }"
TANS = "g (float[1, 4] x) => (float[1, 4] y) { a = Tan(x) b = Add(a, x) y = Tan(b) }"


@pytest.fixture
def hook() -> dict[str, Any]:
    (found,) = read_yaml(".pre-commit-hooks.yaml")
    return dict(found)


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the repository; pre-commit keeps what it makes beside it."""
    names = {f"GIT_{who}_{what}": "t@t.test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    variables = environment(
        PRE_COMMIT_HOME=str(folder.parent / "cache"),
        GIT_CONFIG_GLOBAL="/dev/null",
        GIT_CONFIG_SYSTEM="/dev/null",
        **names,
    )
    return subprocess.run(words, cwd=folder, env=variables, capture_output=True, text=True, check=False)


def test_pre_commit_takes_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    done = run(
        tmp_path / "r", sys.executable, "-m", "pre_commit", "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_models_are_linted_when_they_are_committed(tmp_path: Path, hook: dict[str, Any]) -> None:
    """With the rkgraph of this environment (`language: system`): an environment of its own would be downloaded."""
    folder = tmp_path / "repo"
    folder.mkdir()
    local = {**hook, "language": "system"}
    (folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump({"repos": [{"repo": "local", "hooks": [local]}]}))
    (folder / "a model.onnx").write_bytes(parse(CLEAN).SerializeToString())
    (folder / "notes.txt").write_text("no model")
    assert run(folder, "git", "init", "-q").returncode == 0
    assert run(folder, "git", "add", ".").returncode == 0
    passed = run(folder, sys.executable, "-m", "pre_commit", "run", "--verbose")
    assert passed.returncode == 0, passed.stdout
    assert "a model.onnx: deployable on rk3588" in passed.stdout
    assert "notes.txt" not in passed.stdout

    (folder / "bad.onnx").write_bytes(parse(TANS).SerializeToString())
    assert run(folder, "git", "add", "bad.onnx").returncode == 0
    failed = run(folder, sys.executable, "-m", "pre_commit", "run")
    assert failed.returncode == 1
    assert "rkgraph lint" in failed.stdout
    assert "bad.onnx: no-board-kernel on rk3588" in failed.stdout
    assert "RK124" in failed.stdout
