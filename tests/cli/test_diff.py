"""`rkgraph diff` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

from rkgraph.diagnostics import Verdict
from rkgraph.files import write_text
from rkgraph.report.document import report_to_json
from rkgraph.results import Report, Result
from tests.cli.harness import Sandbox
from tests.gate.samples import result


def save(path: Path, each: Result) -> None:
    write_text(path, report_to_json(Report((each,), {}, {"name": "rkgraph", "version": "0"})))


def test_a_day_with_diff(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    save(sandbox.folder / "a.json", result(verdict=Verdict.BUILD_FAILS))
    save(sandbox.folder / "b.json", result())
    same = sandbox.run("diff", "a.json", "a.json", "--exit-code")
    assert (same.code, same.stdout) == (0, "nothing differs (1 model)\n")
    shown = sandbox.run("diff", "a.json", "b.json")
    assert shown.code == 0
    assert shown.stdout == "models/a.onnx on rk3588/2.3.2/fp16\n  verdict: build-fails → deployable\n"
    assert sandbox.run("diff", "a.json", "b.json", "--exit-code").code == 1
    data = json.loads(sandbox.run("diff", "a.json", "b.json", "--format", "json").stdout)
    assert data["models"][0]["facts"] == {"verdict": {"before": "build-fails", "after": "deployable"}}
    assert "- verdict" in sandbox.run("diff", "a.json", "b.json", "--format", "markdown").stdout
    missing = sandbox.run("diff", "a.json", "no.json")
    assert missing.code == 2
    assert "no.json: cannot be read" in missing.error_line
