"""action.yml: valid, pinned, and its steps do what they say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from rkgraph.report.document import report_from_json
from tests.ci.steps import ROOT, Ended, environment, expanded, read_yaml, run
from tests.rules.harness import parse
from tests.schemas import ACTION, SARIF, problems

CLEAN = "g (float[1, 4] x) => (float[1, 4] y) <float[1, 4] w = {1, 2, 3, 4}> { y = Mul(x, w) }"
TANS = "g (float[1, 4] x) => (float[1, 4] y) { a = Tan(x) b = Add(a, x) y = Tan(b) }"
WHOLE = "g (int64[1, 4] x) => (int64[1, 4] y) { y = Add(x, x) }"


@pytest.fixture(scope="module")
def action() -> dict[str, Any]:
    found: dict[str, Any] = read_yaml("action.yml")
    return found


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    made = tmp_path / "work space"
    (made / "models" / "a b").mkdir(parents=True)
    for name, text in {"clean.onnx": CLEAN, "a b/t ans.onnx": TANS, "a b/whole.onnx": WHOLE}.items():
        (made / "models" / name).write_bytes(parse(text).SerializeToString())
    return made


def step(action: dict[str, Any], name: str) -> dict[str, Any]:
    """The step of that name."""
    (found,) = [step for step in action["runs"]["steps"] if step.get("name") == name]
    return found


def lint(action: dict[str, Any], workspace: Path, **given: str) -> Ended:
    """Run the step "Lint" with inputs by name ("fail_on" is fail-on); the others have their defaults."""
    inputs = {name: entry["default"] for name, entry in action["inputs"].items()}
    inputs |= {name.replace("_", "-"): value for name, value in given.items()}
    told = step(action, "Lint")
    folder = workspace.parent / "runner"
    folder.mkdir(exist_ok=True)
    variables = environment(
        GITHUB_ACTION_PATH=str(ROOT),
        GITHUB_OUTPUT=str(folder / "output"),
        GITHUB_STEP_SUMMARY=str(folder / "summary.md"),
        RUNNER_TEMP=str(folder),
        **{name: expanded(value, inputs) for name, value in told["env"].items()},
    )
    return run(told["run"], workspace, variables)


def outside(stdout: str) -> list[str]:
    """The lines that the runner looks for commands in: those after the token of stop-commands came again."""
    first, *lines = stdout.splitlines()
    token = first.removeprefix("::stop-commands::")
    assert re.fullmatch("[0-9a-f]{32}", token)
    return lines[lines.index(f"::{token}::") + 1 :]


def test_it_is_valid_and_everything_is_pinned(action: dict[str, Any]) -> None:
    assert problems(ACTION, action) == []
    text = (ROOT / "action.yml").read_text()
    uses = [line for line in text.splitlines() if "uses:" in line]
    assert len(uses) == 2
    assert all(re.search(r"uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line) for line in uses)


def test_nothing_is_pasted_into_a_script_and_no_input_is_forgotten(action: dict[str, Any]) -> None:
    text = json.dumps(action["runs"])
    assert all("${{" not in step.get("run", "") for step in action["runs"]["steps"])
    assert all(f"inputs.{name} " in text for name in action["inputs"])
    script = (ROOT / "ci" / "github.sh").read_text()
    assert all(f"${name}" in script or f"${{{name}" in script for name in step(action, "Lint")["env"])


@pytest.mark.parametrize(("version", "wanted"), [("", "/the action"), ("0.1.0", "rkgraph==0.1.0")])
def test_the_version_that_is_asked_for_is_installed(
    action: dict[str, Any], tmp_path: Path, version: str, wanted: str
) -> None:
    (tmp_path / "python").write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$0.said"\n')
    (tmp_path / "python").chmod(0o755)
    told = step(action, "Install rkgraph")
    variables = environment(GITHUB_ACTION_PATH="/the action", RKGRAPH_VERSION=version)
    assert set(told["env"]) == {"RKGRAPH_VERSION"}
    assert run(told["run"], tmp_path, {**variables, "PATH": f"{tmp_path}:{variables['PATH']}"}).code == 0
    assert (tmp_path / "python.said").read_text().splitlines() == ["-m", "pip", "install", "--quiet", wanted]


def test_findings_fail_the_step_and_are_annotated_summed_up_and_written(
    action: dict[str, Any], workspace: Path
) -> None:
    done = lint(action, workspace)
    assert done.code == 1, done.stderr
    assert done.outputs["exit-code"] == "1"
    report = report_from_json((workspace / done.outputs["report"]).read_text())
    assert sorted(result.model.path for result in report.results) == [
        *("models/a b/t ans.onnx", "models/a b/whole.onnx", "models/clean.onnx")
    ]
    assert problems(SARIF, json.loads((workspace / done.outputs["sarif"]).read_text())) == []
    commands = outside(done.stdout)
    assert all(re.match("::(error|warning|notice) file=", line) for line in commands)
    assert any(line.startswith("::error file=models/a b/t ans.onnx,title=rkgraph RK124::") for line in commands)
    summary = (workspace.parent / "runner" / "summary.md").read_text()
    assert summary == Path(done.outputs["markdown"]).read_text()
    assert summary.startswith("## rkgraph: 2 of 3 models deployable")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"models": "models/clean.onnx"}, 0),
        ({"models": "models/**/whole.onnx\n\nmodels/clean.onnx\n"}, 0),
        ({"models": "models/a b/whole.onnx", "fail_on": "warning"}, 1),
        ({"models": "models/a b/whole.onnx", "fail_on": "warning", "arguments": "--ignore\nRK1,RK2"}, 0),
        ({"models": "models/clean.onnx", "target": "rk3576", "rules": "rknn-2.3.0"}, 0),
        ({"models": "models/clean.onnx", "target": "rk9999"}, 2),
        ({"models": "models/gone.onnx"}, 2),
        ({"models": "gone/**/*.onnx"}, 2),
        ({"models": "--help"}, 2),
        ({"models": "models/clean.onnx", "target": "$(touch /tmp/pwned); rk3588"}, 2),
    ],
)
def test_inputs_decide_and_the_exit_code_is_handed_on(
    action: dict[str, Any], workspace: Path, given: dict[str, str], code: int
) -> None:
    done = lint(action, workspace, **given)
    assert done.code == code, done.stderr
    assert done.outputs["exit-code"] == str(code)


def test_a_baseline_lets_pass_what_was_there(action: dict[str, Any], workspace: Path) -> None:
    variables = environment()
    written = run("rkgraph baseline write models/*/*.onnx -o known.json", workspace, variables)
    assert written.code == 0, written.stderr
    assert lint(action, workspace, baseline="known.json").code == 0


def test_a_configuration_is_used(action: dict[str, Any], workspace: Path) -> None:
    (workspace / "strict.toml").write_text('fail-on = "warning"\ntarget = "rk3576"\n')
    done = lint(action, workspace, models="models/a b/whole.onnx", config="strict.toml")
    assert done.code == 1
    report = report_from_json((workspace / done.outputs["report"]).read_text())
    assert report.results[0].target.platform == "rk3576"


def test_what_is_not_wanted_is_not_written(action: dict[str, Any], workspace: Path) -> None:
    done = lint(action, workspace, sarif="", annotations="false", summary="false")
    assert (done.code, outside(done.stdout)) == (1, [])
    assert "sarif" not in done.outputs
    assert not (workspace / "rkgraph.sarif").exists()
    assert not (workspace.parent / "runner" / "summary.md").exists()


def test_names_in_models_are_no_commands(action: dict[str, Any], workspace: Path) -> None:
    model = parse(TANS)
    model.graph.node[0].name = "x\n::error title=pwned::boo\n::set-output name=a::b"
    (workspace / "models" / "evil.onnx").write_bytes(model.SerializeToString())
    done = lint(action, workspace, models="models/evil.onnx")
    assert done.code == 1
    assert not [line for line in outside(done.stdout) if "pwned" in line.split("::")[1] or "set-output" in line[:20]]
