"""`rkgraph gate` as a user runs it: exit codes, messages, and files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rkgraph.diagnostics import Device
from rkgraph.files import write_text
from rkgraph.report.document import report_to_json
from rkgraph.results import Report, Result
from tests.cli.harness import Sandbox
from tests.gate.samples import placed, result


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    sandbox = Sandbox(tmp_path)
    save(sandbox.folder / "reports" / "a.json", result())
    return sandbox


def save(path: Path, *results: Result) -> None:
    path.parent.mkdir(exist_ok=True)
    write_text(path, report_to_json(Report(results, {}, {"name": "rkgraph", "version": "0"})))


def test_a_day_with_the_gate(sandbox: Sandbox) -> None:
    begun = sandbox.run("gate", "reports/a.json", "--init", "gate.toml")
    assert (begun.code, begun.stdout) == (0, "")
    assert "1 model at their numbers of today" in begun.stderr
    assert sandbox.run("gate", "reports", "--quiet").stdout == "gate: passed (1 model, 9 numbers within their bounds)\n"
    save(sandbox.folder / "worse" / "a.json", result(placement=placed(Device.CPU, Device.CPU)))
    failed = sandbox.run("gate", "worse", "--against", "reports", "--summary", "summary.md")
    assert failed.code == 1
    assert "✗  models/a.onnx  rk3588/2.3.2/fp16  cpu-nodes" in failed.stdout
    assert "was 1" in failed.stdout
    assert failed.stdout.splitlines()[-1].startswith("gate: FAILED (1 of 1 model")
    assert "❌" in (sandbox.folder / "summary.md").read_text(encoding="utf-8")
    again = sandbox.run("gate", "worse", "--format", "json", "--summary", "summary.md")
    assert json.loads(again.stdout)["passed"] is False
    assert (sandbox.folder / "summary.md").read_text(encoding="utf-8").count("### ") == 2
    assert sandbox.run("gate", "worse", "--format", "markdown").stdout.startswith("### ❌ gate: FAILED")


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (("reports",), "gate.toml: cannot be read", "--init gate.toml"),
        (("reports", "--policy", "no.toml"), "no.toml: cannot be read", "--init no.toml"),
        (("empty",), "empty: has no .json file", "folder"),
        (("nothing.json", "--init", "x.toml"), "the reports hold no result", "rkgraph lint"),
        (("reports", "--init", "reports/a.json"), "is there already", "remove it"),
        (("reports", "--policy", "bad.toml"), "bad.toml:2: unknown key 'cpu-nods'", "did you mean cpu-nodes?"),
        (("reports", "--policy", "good.toml", "--summary", "no/s.md"), "no/s.md: cannot be written", "no exists"),
        (("bad.toml", "--policy", "good.toml"), "bad.toml: the report is not JSON", ""),
    ],
)
def test_what_cannot_be_done_is_told(sandbox: Sandbox, arguments: tuple[str, ...], message: str, hint: str) -> None:
    (sandbox.folder / "empty").mkdir()
    save(sandbox.folder / "nothing.json")
    write_text(sandbox.folder / "bad.toml", "[budget]\ncpu-nods = 1\n")
    write_text(sandbox.folder / "good.toml", "[budget]\ncpu-nodes = 1\n")
    done = sandbox.run("gate", *arguments)
    assert done.code == 2
    assert message in done.error_line
    assert not hint or hint in done.hint_line


def test_the_ratchet_needs_no_policy(sandbox: Sandbox) -> None:
    assert sandbox.run("gate", "reports", "--against", "reports").code == 0
