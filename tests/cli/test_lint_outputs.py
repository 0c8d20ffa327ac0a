"""`rkgraph lint` in other formats, several at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rkgraph.cli.lint_outputs import Format, ReportFiles
from rkgraph.report.document import report_from_json
from rkgraph.report.formats.catalog import FORMATS, render
from tests.cli.harness import Sandbox
from tests.rules.harness import parse
from tests.schemas import SARIF, problems

TANS = "g (float[1, 4] x) => (float[1, 4] y) { a = Tan(x) b = Add(a, x) y = Tan(b) }"
CPU = "g (int64[1, 4] x) => (int64[1, 4] y) { y = Add(x, x) }"


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    made = Sandbox(tmp_path)
    for name, text in {"tans": TANS, "cpu": CPU}.items():
        (made.folder / f"{name}.onnx").write_bytes(parse(text).SerializeToString())
    return made


def test_options_and_formats_are_the_same() -> None:
    assert [form.value for form in Format] == ["text", *FORMATS]
    assert list(ReportFiles.__dataclass_fields__) == list(FORMATS)


def test_all_formats_at_once_beside_the_text(sandbox: Sandbox) -> None:
    options = [word for name in FORMATS for word in (f"--{name}-output", f"out.{name}")]
    plain = sandbox.run("lint", "tans.onnx", "cpu.onnx")
    done = sandbox.run("lint", "tans.onnx", "cpu.onnx", *options)
    assert (done.code, done.stdout) == (1, plain.stdout)
    report = report_from_json((sandbox.folder / "out.json").read_text())
    for name in set(FORMATS):
        assert (sandbox.folder / f"out.{name}").read_text() == render(name, report), name
    assert problems(SARIF, json.loads((sandbox.folder / "out.sarif").read_text())) == []


@pytest.mark.parametrize("form", ["sarif", "junit", "github", "gitlab", "markdown"])
def test_a_format_is_printed_twice_the_same(form: str, sandbox: Sandbox) -> None:
    first, second = (sandbox.run("lint", "tans.onnx", "--format", form) for _ in range(2))
    assert first.code == 1
    assert first.stdout == second.stdout != ""
    assert "RK124" in first.stdout


def test_the_threshold_decides_what_fails_in_junit(sandbox: Sandbox) -> None:
    lenient, strict = (
        sandbox.run("lint", "cpu.onnx", "--format", "junit", "--fail-on", s) for s in ("error", "warning")
    )
    assert (lenient.code, strict.code) == (0, 1)
    assert "<failure" not in lenient.stdout
    assert "<failure" in strict.stdout


def test_annotations_can_go_to_the_log_at_once(sandbox: Sandbox) -> None:
    done = sandbox.run("lint", "tans.onnx", "--quiet", "--github-output", "/dev/stdout")
    first, second, *_ = done.stdout.splitlines()
    assert first.startswith("tans.onnx: no-board-kernel")
    assert second.startswith("::error file=tans.onnx,title=rkgraph%3A no-board-kernel::")


def test_an_unreadable_model_is_in_every_format_and_ends_with_2(sandbox: Sandbox) -> None:
    (sandbox.folder / "bad.onnx").write_bytes(b"\x08\x07nonsense")
    done = sandbox.run(
        "lint", "bad.onnx", "--sarif-output", "a.sarif", "--gitlab-output", "gl.json", "--junit-output", "j"
    )
    assert done.code == 2
    (run,) = json.loads((sandbox.folder / "a.sarif").read_text())["runs"]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert json.loads((sandbox.folder / "gl.json").read_text())[0]["severity"] == "blocker"
    assert '<error type="unreadable"' in (sandbox.folder / "j").read_text()


def test_files_that_cannot_be_written_are_told_before_the_work(sandbox: Sandbox) -> None:
    with sandbox.unchanged():
        done = sandbox.run("lint", "missing.onnx", "--sarif-output", "gone/a.sarif")
        twice = sandbox.run("lint", "missing.onnx", "-o", "a", "--html-output", "a")
    assert (done.code, twice.code) == (2, 2)
    assert "gone/a.sarif: cannot be written" in done.error_line
    assert twice.error_line == "error: a: two results are to be written there"


def test_the_matrix_in_sarif_has_a_run_a_target(sandbox: Sandbox) -> None:
    done = sandbox.run("lint", "tans.onnx", "--matrix", "--format", "sarif")
    log = json.loads(done.stdout)
    assert problems(SARIF, log) == []
    ids = [run["automationDetails"]["id"] for run in log["runs"]]
    assert len(set(ids)) == len(ids) > 5
