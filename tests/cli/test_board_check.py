"""`rkgraph board-check` and `rkgraph evidence import`: the folder, what goes wrong, and the whole loop to lint."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import onnx
import pytest

from rkgraph.probe.case import case, computed, parse
from rkgraph.toolkit.locate import default_home
from rkgraph.toolkit.stamp import Stamp, write_stamp
from tests.boardcheck.boards import run
from tests.cli.harness import Sandbox
from tests.probe.fakes import SCRIPT, interpreter

LOST = ["print E RKNN: No lowering found for: probe, node type = Softsign"]


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """A sandbox with a scripted toolkit 2.3.2, whose simulator gives nothing that fits."""
    made = Sandbox(tmp_path)
    environment = made.home / "toolkits" / "2.3.2"
    (environment / "venv" / "bin").mkdir(parents=True)
    write_stamp(environment, Stamp(sys.executable, "3.11", "2.13.0", "nobody", str(environment), 1))
    python = environment / "venv" / "bin" / "python"
    python.write_text(interpreter(as_file=True))
    python.chmod(0o755)
    return made


def test_the_folder_is_written_whole_and_its_builds_are_kept(sandbox: Sandbox) -> None:
    arguments = ("board-check", "--only", "Softsign", "--limit", "1", "-o")
    first = sandbox.run(*arguments, "check", env={SCRIPT: json.dumps({"build": LOST})})
    assert first.code == 0, first.stderr
    assert "check: 1 models for rk3588" in first.stdout
    assert "does the board really refuse it?" in first.stdout
    assert "rkgraph evidence import results.json" in first.stdout
    manifest = json.loads((sandbox.folder / "check" / "manifest.json").read_text())
    (only,) = manifest["cases"]
    assert (only["op"], only["reason"], only["compiled"]["outcome"]) == ("Softsign", "no-kernel", "no-kernel")
    assert set(only["files"]) == {"model.rknn", "inputs.npz", "expected.npz"}
    again = sandbox.run(*arguments, "again", env={SCRIPT: json.dumps({"build": ["fail nobody builds this again"]})})
    assert again.code == 0, again.stderr
    files = {p.relative_to(sandbox.folder / "check"): p for p in (sandbox.folder / "check").rglob("*") if p.is_file()}
    assert {Path("run_on_board.py"), Path("README.md"), Path("manifest.json")} < set(files)
    for name, path in files.items():
        assert (sandbox.folder / "again" / name).read_bytes() == path.read_bytes(), name


def test_what_does_not_build_is_left_out_and_told(sandbox: Sandbox) -> None:
    script = {"build": LOST, "export": []}
    assert sandbox.run("board-check", "--only", "Softsign", "-o", "a", env={SCRIPT: json.dumps(script)}).code == 0
    failing = json.dumps({"build": ["fail the reason"]})
    with sandbox.unchanged():
        outcome = sandbox.run("board-check", "--only", "CumSum", "--limit", "1", "-o", "b", "-v", env={SCRIPT: failing})
    assert outcome.code == 2
    assert "nothing is left" in outcome.error_line
    assert "it does not build (" in outcome.stderr
    assert "the reason)" in outcome.stderr


WRONG: dict[str, tuple[tuple[str, ...], str, str]] = {
    "operator": (("--only", "Softsig"), "Softsig", "Softsign"),
    "platform": (("--target", "rk9999"), "rk9999", "rk3588"),
    "quantized": (("--target", "rv1106"), "quantized", "--target"),
    "folder": (("-o", "no/such"), "no/such", "create it"),
    "there": (("-o", "full"), "is there already", "remove it"),
    "shape without model": (("--shape", "x=1"), "need a model", "--model"),
    "not installed": (("--toolkit", "2.2.0"), "2.2.0", "rkgraph toolkit install 2.2.0"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_usage(sandbox: Sandbox, name: str) -> None:
    arguments, message, hint = WRONG[name]
    (sandbox.folder / "full").mkdir()
    (sandbox.folder / "full" / "file").touch()
    with sandbox.unchanged():
        outcome = sandbox.run("board-check", *(() if "-o" in arguments else ("-o", "check")), *arguments)
    assert outcome.code == 2
    assert message in outcome.error_line
    assert hint in outcome.hint_line


IMPORTS: dict[str, tuple[tuple[str, ...], str]] = {
    "no file": (("none.json",), "cannot be read"),
    "no results": (("empty.json",), "is not of the schema"),
    "two places": (("empty.json", "--repository", ".", "--user-table", "t.json"), "one place"),
    "no repository": (("empty.json", "--repository", "nowhere"), "no such folder"),
}


@pytest.mark.parametrize("name", IMPORTS)
def test_wrong_results(sandbox: Sandbox, name: str) -> None:
    arguments, message = IMPORTS[name]
    (sandbox.folder / "empty.json").write_text("{}")
    with sandbox.unchanged():
        outcome = sandbox.run("evidence", "import", *arguments)
    assert outcome.code == 2
    assert message in outcome.error_line


@pytest.mark.toolkit
def test_from_a_model_to_the_board_and_back_to_lint(tmp_path: Path) -> None:
    """Compiled by the real toolkit; the board is not real, so that it can refuse one operator and spoil another."""
    sandbox = Sandbox(tmp_path)
    (sandbox.home / "toolkits").symlink_to(default_home() / "toolkits")
    model = case("Softsign", "x", [computed(1, 4, 6, 10)], position="between").text
    onnx.save(parse(model.replace("[probe]", "[first]")), sandbox.folder / "model.onnx")
    before = sandbox.run("lint", "model.onnx", "--format", "json")
    checked = sandbox.run("board-check", "--model", "model.onnx", "-o", "check")
    assert checked.code == 0, checked.stderr
    check = sandbox.folder / "check"
    ids = {c["op"]: c["id"] for c in json.loads((check / "manifest.json").read_text())["cases"]}
    assert set(ids) == {"Softsign", "Conv"}
    done = run(check, {ids["Softsign"]: "crash"})
    assert done.returncode == 0, done.stdout + done.stderr

    imported = sandbox.run("evidence", "import", "check/results.json")
    assert imported.code == 0, imported.stderr
    assert "refused by the board" in imported.stdout
    after = sandbox.run("lint", "model.onnx", "--format", "json")
    results = [json.loads(outcome.stdout)["results"][0] for outcome in (before, after)]
    assert [r["verdict"] for r in results] == ["no-board-kernel"] * 2
    assert [r["confidence"] for r in results] == ["probed", "device"]
    (finding,) = [d for d in results[1]["diagnostics"] if d["code"] == "RK101"]
    assert finding["evidence"][0].startswith("user:")
    assert finding["confidence"] == "device"

    run(check, {}, "--retry")
    assert sandbox.run("evidence", "import", "check/results.json").code == 0
    result = json.loads(sandbox.run("lint", "model.onnx", "--format", "json").stdout)["results"][0]
    assert (result["verdict"], result["confidence"]) == ("deployable", "device")
