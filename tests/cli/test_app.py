"""The frame of the command line: listing, lazy loading, help, version, exit codes, options that all share."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

import rkgraph
from rkgraph.cli import app as application
from rkgraph.cli.common import parse_allow, parse_dims, parse_shapes
from rkgraph.cli.demo import INSTALL
from rkgraph.cli.output import plain_table
from rkgraph.diagnostics import Safety
from rkgraph.errors import UsageError
from tests.cli.harness import SCRIPT, Sandbox

EVERYTHING = frozenset({*application.COMMANDS, *application.GROUPS})


@pytest.mark.parametrize("name", sorted(application.COMMANDS))
def test_every_command_exists_and_its_help_has_an_example(name: str) -> None:
    command = importlib.import_module(application.module_of(name)).command
    text = inspect.getdoc(command) or ""
    assert f"rkgraph {name}" in text, "the help text shows no example"
    result = CliRunner().invoke(application.build_app(frozenset({name})), [name, "--help"])
    assert result.exit_code == 0, result.output
    assert f"rkgraph {name}" in result.output


@pytest.mark.parametrize("name", sorted(application.GROUPS))
def test_every_group_exists(name: str) -> None:
    result = CliRunner().invoke(application.build_app(frozenset({name})), [name, "--help"])
    assert result.exit_code == 0, result.output
    assert "Commands" in result.output


def test_summaries_fit_eighty_columns() -> None:
    result = CliRunner().invoke(application.build_app(frozenset()), ["--help"], env={"COLUMNS": "80"})
    assert result.exit_code == 0
    for summary in {**application.COMMANDS, **application.GROUPS}.values():
        assert summary in result.output


@pytest.mark.parametrize("name", sorted(application.COMMANDS))
def test_examples_are_lines_of_their_own_that_fit_eighty_columns(name: str, tmp_path: Path) -> None:
    lines = Sandbox(tmp_path).run(name, "--help").stdout.splitlines()
    examples = [line.strip() for line in lines[lines.index("  Examples:") + 1 :] if line.startswith("      rkgraph ")]
    docstring = inspect.getdoc(importlib.import_module(application.module_of(name)).command) or ""
    assert examples == [line.strip() for line in docstring.splitlines() if line.startswith("    rkgraph ")]
    assert examples
    assert all(len(line) <= 80 for line in lines)


def test_a_terminal_without_unicode_gets_question_marks(tmp_path: Path) -> None:
    outcome = Sandbox(tmp_path).run("--help", env={"PYTHONIOENCODING": "ascii"})
    assert outcome.code == 0
    assert "rkgraph lint model.onnx" in outcome.stdout
    outcome = Sandbox(tmp_path).run("rule", "RK203", env={"PYTHONIOENCODING": "ascii"})
    assert outcome.code == 0
    assert "?65504" in outcome.stdout


def test_json_is_utf_8_whatever_the_terminal_speaks(tmp_path: Path) -> None:
    plain, ascii_only = (
        Sandbox(tmp_path).run("rules", "--format", "json", env={"PYTHONIOENCODING": encoding}).stdout
        for encoding in ("utf-8", "ascii")
    )
    assert plain == ascii_only


@pytest.mark.parametrize("command", ["rules", "rules --format json", "--help"])
@pytest.mark.parametrize(("sink", "words"), [("> /dev/full", "No space left"), ("| true", "")])
def test_output_that_nobody_takes(sink: str, words: str, command: str) -> None:
    line = f"set -o pipefail; rkgraph {command} {sink}"
    done = subprocess.run(["bash", "-c", line], env=_with_script(), capture_output=True, text=True, check=False)
    assert done.returncode == (2 if words else 0)
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert "bug" not in done.stderr


def _with_script() -> dict[str, str]:
    return {**os.environ, "PATH": f"{SCRIPT.parent}:{os.environ['PATH']}"}


def test_version(tmp_path: Path) -> None:
    outcome = Sandbox(tmp_path).run("--version")
    assert (outcome.code, outcome.stdout) == (0, f"rkgraph {rkgraph.__version__}\n")


def test_unknown_command_is_a_usage_error_with_a_suggestion(tmp_path: Path) -> None:
    outcome = Sandbox(tmp_path).run("lnit", "x.onnx")
    assert outcome.code == 2
    assert "lint" in outcome.stderr


def test_completion_is_offered(tmp_path: Path) -> None:
    environment = {"_RKGRAPH_COMPLETE": "complete_bash", "COMP_WORDS": "rkgraph l", "COMP_CWORD": "1"}
    assert Sandbox(tmp_path).run(env=environment).stdout.split() == ["lint"]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("rkgraph lint x.onnx --ta", {"--target"}),
        ("rkgraph lint x.onnx --target rk357", {"rk3576"}),
        ("rkgraph compile x.onnx --toolkit 2.3", {"2.3.0", "2.3.2"}),
        ("rkgraph fix x.onnx --rules rknn-2.5", {"rknn-2.5.0"}),
        ("rkgraph fix x.onnx --precision w8", {"w8a8", "w8a16"}),
        ("rkgraph lint x.onnx --select RK104,RK12", {"RK104,RK120", "RK104,RK121"}),
        ("rkgraph rule RK30", {"RK301", "RK302"}),
        ("rkgraph baseline up", {"update"}),
    ],
)
def test_a_shell_completes_values(tmp_path: Path, line: str, offered: set[str]) -> None:
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    told = Sandbox(tmp_path).run(env={"_RKGRAPH_COMPLETE": "complete_bash", **words}).stdout.split()
    assert offered <= set(told)
    assert len(told) < 12


def test_a_bug_of_ours_is_told_without_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("sys.argv", ["rkgraph", "rules"])
    monkeypatch.setattr(application, "build_app", lambda _wanted, **_: _raise(ZeroDivisionError("oops")))
    with pytest.raises(SystemExit) as stop:
        application.main()
    assert stop.value.code == 70
    (written,) = tmp_path.glob("rkgraph-bug-*.txt")
    assert "ZeroDivisionError: oops" in written.read_text()


def test_shapes_are_parsed_in_both_spellings() -> None:
    assert parse_shapes(["ids=1x256", "a:b=c=1,3,8"]) == {"ids": (1, 256), "a:b=c": (1, 3, 8)}
    assert parse_shapes(None) == {}


@pytest.mark.parametrize("bad", ["ids", "ids=", "=1x2", "ids=1x", "ids=ax2", "ids=1x-2", "ids=0x4", "ids=1 x 2"])
def test_bad_shapes_are_refused(bad: str) -> None:
    with pytest.raises(UsageError, match="--shape"):
        parse_shapes([bad])


def test_contradicting_shapes_are_refused() -> None:
    assert parse_shapes(["a=1x2", "a=1,2"]) == {"a": (1, 2)}
    with pytest.raises(UsageError, match="twice"):
        parse_shapes(["a=1x2", "a=1x3"])


def test_dims_are_parsed() -> None:
    assert parse_dims(["batch=1", "seq=256"]) == {"batch": 1, "seq": 256}


@pytest.mark.parametrize("bad", ["batch", "batch=", "=1", "batch=0", "batch=x", "batch=-1", "batch=1.5"])
def test_bad_dims_are_refused(bad: str) -> None:
    with pytest.raises(UsageError, match="--dim"):
        parse_dims([bad])


def test_allow_takes_lists_and_repeats() -> None:
    assert parse_allow(["split,approximate", "shape"]) == {Safety.SPLIT, Safety.APPROXIMATE, Safety.SHAPE}


@pytest.mark.parametrize("bad", ["safe", "manual", "everything"])
def test_what_cannot_be_allowed_is_refused(bad: str) -> None:
    with pytest.raises(UsageError, match="--allow"):
        parse_allow([bad])


def test_plain_tables_align() -> None:
    lines = plain_table(["name", "n"], [["a", "10"], ["long", "7"]], right=[1])
    assert lines == ["name   n", "a     10", "long   7"]


def _raise(error: Exception) -> None:
    raise error


def test_what_hints_tell_to_install_exists() -> None:
    root = Path(__file__).resolve().parents[2]
    project = (root / "pyproject.toml").read_text()
    extras = project.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    sources = [path.read_text() for path in (root / "rkgraph").rglob("*.py")]
    named = {
        name for text in sources for found in re.findall(r"rkgraph\[([a-z,]+)\]", text) for name in found.split(",")
    }
    assert named
    assert all(re.search(rf"^{name} = ", extras, re.MULTILINE) for name in named)
    assert INSTALL.removeprefix("pip install --no-deps ") in (root / "Makefile").read_text()
