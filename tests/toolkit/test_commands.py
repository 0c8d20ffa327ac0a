"""`rkgraph toolkit …` and `rkgraph doctor` as a user calls them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from rkgraph.toolkit import doctor
from rkgraph.toolkit.doctor import Check, examine, healthy
from rkgraph.toolkit.locate import toolkit_folder
from rkgraph.toolkit.stamp import STAMP, Stamp, write_stamp
from tests.cli.harness import Sandbox


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    return Sandbox(tmp_path)


def pretend_installed(home: Path, version: str) -> Path:
    """An installation as far as can be seen without importing it; its interpreter has no rknn."""
    folder = toolkit_folder(version, home)
    (folder / "venv" / "bin").mkdir(parents=True)
    (folder / "venv" / "bin" / "python").symlink_to(sys.executable)
    (folder / "torch").mkdir()
    write_stamp(folder, Stamp(sys.executable, "3.11", "2.1", "here", str(folder / "torch"), 7))
    return folder


def checks(home: Path, *, deep: bool = False) -> dict[str, Check]:
    return {check.name: check for check in examine(home, "2.3.2", deep=deep)}


def test_list(sandbox: Sandbox) -> None:
    pretend_installed(sandbox.home, "2.3.2")
    done = sandbox.run("toolkit", "list")
    assert done.code == 0
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["version", "state", "size", "python", "torch"],
        ["2.2.0", "not", "installed"],
        ["2.3.0", "not", "installed"],
        ["2.3.2", "installed", "7", "MB", "3.11", "2.1", "(here)"],
        ["2.5.0", "not", "installed"],
    ]


def test_remove(sandbox: Sandbox) -> None:
    folder = pretend_installed(sandbox.home, "2.3.2")
    assert sandbox.run("toolkit", "remove", "2.3.2").stdout == "rknn-toolkit2 2.3.2 removed\n"
    assert not folder.exists()
    assert sandbox.run("toolkit", "remove", "2.3.2").stdout == "rknn-toolkit2 2.3.2 is not installed\n"


@pytest.mark.parametrize("verb", ["install", "remove"])
def test_an_unknown_version(sandbox: Sandbox, verb: str) -> None:
    done = sandbox.run("toolkit", verb, "2.9.9")
    assert done.code == 2
    assert done.error_line == "error: rknn-toolkit2 2.9.9 is not known"
    assert done.hint_line == "  hint: choose from 2.2.0, 2.3.0, 2.3.2, 2.5.0"


def test_installing_what_is_installed_is_quick(sandbox: Sandbox) -> None:
    folder = pretend_installed(sandbox.home, "2.3.2")
    done = sandbox.run("toolkit", "install", "2.3.2")
    assert (done.code, done.stdout) == (0, f"rknn-toolkit2 2.3.2: {folder / 'venv' / 'bin' / 'python'}\n")


def test_a_python_that_is_none(sandbox: Sandbox) -> None:
    done = sandbox.run("toolkit", "install", "2.3.2", "--python", "/no/python")
    assert done.code == 2
    assert "--python /no/python: is no Python 3 interpreter" in done.error_line


def test_doctor_finds_what_is_missing(sandbox: Sandbox) -> None:
    done = sandbox.run("doctor")
    assert done.code == 1
    lines = done.stdout.splitlines()
    assert any(line.startswith("✓ onnx ") for line in lines)
    (missing,) = [index for index, line in enumerate(lines) if line.startswith("✗")]
    assert "rknn-toolkit2 2.3.2" in lines[missing]
    assert lines[missing + 1].strip() == "→ rkgraph toolkit install 2.3.2"


def test_doctor_when_all_is_well(sandbox: Sandbox) -> None:
    pretend_installed(sandbox.home, "2.3.2")
    done = sandbox.run("doctor", "--format", "json")
    assert done.code == 0
    said = json.loads(done.stdout)
    assert said["healthy"] is True
    assert {"name": "rknn-toolkit2 2.3.2", "state": "ok", "detail": "Python 3.11, torch 2.1 (here)", "mend": ""} in (
        said["checks"]
    )


def test_doctor_deep_imports(sandbox: Sandbox) -> None:
    pretend_installed(sandbox.home, "2.3.2")
    done = sandbox.run("doctor", "--deep")
    assert done.code == 1
    assert "cannot be imported: ModuleNotFoundError: No module named 'rknn'" in done.stdout
    assert "→ rkgraph toolkit install 2.3.2 --force" in done.stdout


@pytest.mark.toolkit
def test_doctor_deep_with_the_real_one() -> None:
    from rkgraph.toolkit.locate import default_home

    check = checks(default_home(), deep=True)["rknn-toolkit2 2.3.2"]
    assert check.state == "ok"
    assert "imported in" in check.detail


@pytest.mark.parametrize(
    ("spoil", "detail"),
    [
        (lambda folder: (folder / STAMP).unlink(), "was not installed to its end"),
        (lambda folder: (folder / "venv" / "bin" / "python").unlink(), "is gone"),
        (lambda folder: (folder / STAMP).write_text("{}"), "cannot be read"),
        (lambda folder: (folder / "torch").rmdir(), "its torch is gone (here)"),
    ],
)
def test_broken_installations_and_their_mend(tmp_path: Path, spoil: object, detail: str) -> None:
    folder = pretend_installed(tmp_path, "2.3.0")
    assert checks(tmp_path)["rknn-toolkit2 2.3.0"].state == "ok"
    spoil(folder)  # type: ignore[operator]
    check = checks(tmp_path)["rknn-toolkit2 2.3.0"]
    assert (check.state, check.mend) == ("broken", "rkgraph toolkit install 2.3.0 --force")
    assert detail in check.detail


def test_a_missing_package_and_its_mend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "_REQUIRED", ("onnx", "no-such-package"))
    found = checks(tmp_path)
    assert found["onnx"].state == "ok"
    assert found["no-such-package"].state == "missing"
    assert "pip install" in found["no-such-package"].mend


@pytest.mark.parametrize(("machine", "state"), [("x86_64", "optional"), ("aarch64", "optional")])
def test_the_board_runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, machine: str, state: str) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    check = checks(tmp_path)["board runtime"]
    assert check.state == state
    assert bool(check.mend) == (machine == "aarch64")


def test_optional_things_do_not_make_ill() -> None:
    assert healthy([Check("a", "ok", ""), Check("b", "optional", "")])
    assert not healthy([Check("a", "ok", ""), Check("b", "missing", "")])
    assert not healthy([Check("a", "broken", "")])
