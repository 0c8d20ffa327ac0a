"""`rkgraph probe`: targets, plans, resuming, evidence, a user's own model; over a toolkit that does what it is told."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import onnx
import onnx.parser
import pytest

from rkgraph.toolkit.stamp import Stamp, write_stamp
from tests.cli.harness import Outcome, Sandbox
from tests.probe.fakes import SCRIPT, interpreter

OWN = """<ir_version: 8, opset_import: ["" : 17, "my.domain" : 1]> g (float[2,3] x) => (float[2,3] z)
{ [first] a = Relu(x) [odd] b = my.domain.Thing(a) [again] c = my.domain.Thing(b) [last] z = Tanh(c) }"""


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """A sandbox with a scripted toolkit 2.3.2, a user's model and a user table."""
    made = Sandbox(tmp_path)
    environment = made.home / "toolkits" / "2.3.2"
    (environment / "venv" / "bin").mkdir(parents=True)
    write_stamp(environment, Stamp(sys.executable, "3.11", "2.13.0", "nobody", str(environment), 1))
    python = environment / "venv" / "bin" / "python"
    python.write_text(interpreter(as_file=True))
    python.chmod(0o755)
    model = onnx.parser.parse_model(OWN)
    for name in ("a", "b", "c"):
        model.graph.value_info.append(onnx.helper.make_tensor_value_info(name, 1, [2, 3]))
    onnx.save(model, made.folder / "model.onnx")
    return made


def probe(sandbox: Sandbox, *arguments: str, **script: list[str]) -> Outcome:
    return sandbox.run("probe", *arguments, env={SCRIPT: json.dumps(script)})


def row_of(outcome: Outcome, words: str) -> list[str]:
    """The cells of the row of a table that begins with `words`."""
    (line,) = [line for line in outcome.stdout.splitlines() if line.startswith(words)]
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def built(sandbox: Sandbox) -> int:
    return len(list((sandbox.home / "probe").rglob("*.json")))


LOST = ["print E RKNN: No lowering found for: probe, node type = Trilu"]


def test_measure_go_on_and_export(sandbox: Sandbox) -> None:
    only = ("--only", "Trilu", "--limit", "5")
    first = probe(sandbox, *only, build=LOST)
    assert first.code == 0, first.stderr
    assert built(sandbox) == 5
    again = probe(sandbox, *only, build=["fail nobody builds this again"])
    assert again.stdout == first.stdout
    assert row_of(first, "rk3588")[1:] == ["5", "0", "0", "5", "0", "base"]

    other = probe(sandbox, "--only", "Trilu", "--target", "rk3576", build=["fail the reason"])
    assert other.code == 0, other.stderr
    assert "where it differs from rk3588" in other.stdout
    assert "build-fails" in other.stdout.splitlines()[-1]

    exported = probe(sandbox, "--only", "Trilu", "--export", "evidence")
    assert exported.code == 0, exported.stderr
    assert "2 targets" in exported.stdout
    folder = sandbox.folder / "evidence"
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.jsonl")}
    assert set(files) == {"cases.jsonl", "rknn-2.3.2/rk3588-fp16.jsonl", "rknn-2.3.2/rk3576-fp16.jsonl"}
    lines = [json.loads(line) for line in files["rknn-2.3.2/rk3588-fp16.jsonl"].splitlines()]
    assert [line["outcome"] for line in lines] == ["no-kernel"] * 5
    assert probe(sandbox, "--only", "Trilu", "--export", "evidence").code == 0
    assert files == {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.jsonl")}


def test_ctrl_c_keeps_what_was_built(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SCRIPT, json.dumps({"build": ["sleep 0.05"]}))
    arguments = ("probe", "--only", "Trilu,Relu", "--jobs", "2", "--limit", "400")
    outcome = sandbox.interrupt(*arguments, when=lambda: built(sandbox) >= 3)
    assert outcome.code == 130
    assert "the same command goes on" in outcome.stderr
    kept = built(sandbox)
    assert kept >= 3
    finished = probe(sandbox, "--only", "Trilu,Relu", "--limit", str(kept), "-q")
    assert finished.code == 0
    assert finished.stderr == ""


def test_ctrl_c_ends_a_build_that_hangs(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    started = sandbox.home / "started"
    monkeypatch.setenv(SCRIPT, json.dumps({"build": [f"spawn {started}", "sleep 3600"]}))
    outcome = sandbox.interrupt("probe", "--only", "Trilu", when=started.exists)
    assert outcome.code == 130
    assert built(sandbox) == 0


WRONG: dict[str, tuple[tuple[str, ...], str, str]] = {
    "operator": (("--only", "Tril"), "Tril", "Trilu"),
    "pattern": (("--match", "("), "regular expression", ""),
    "nothing left": (("--only", "Trilu", "--match", "^Erf"), "no case is left", "--match"),
    "platform": (("--target", "rk9999"), "rk9999", "rk3588"),
    "version": (("--toolkit", "9.9"), "9.9", "2.3.2"),
    "precision": (("--precision", "fp64"), "fp64", "fp16"),
    "not installed": (
        ("--only", "Trilu", "--toolkit", "2.2.0", "--plan", "rich"),
        "2.2.0",
        "rkgraph toolkit install 2.2.0",
    ),
    "executor": (("--only", "Trilu", "--executor", "slurm"), "slurm", ""),
    "address": (("--only", "Trilu", "--executor", "dask://here"), "HOST:PORT", "dask://"),
    "export below nothing": (("--only", "Trilu", "--export", "no/such/folder"), "no/such", "create it"),
    "export to a file": (("--only", "Trilu", "--export", "model.onnx"), "is a file", "--export"),
    "nothing to export": (("--only", "Trilu", "--export", "evidence"), "nothing is measured", "rkgraph probe"),
    "model and plan": (("--model", "model.onnx", "--plan", "rich"), "--model", "--plan"),
    "add without a model": (("--add",), "need a model", "--model"),
    "no model": (("--model", "none.onnx"), "none.onnx", ""),
    "user table nowhere": (("--model", "model.onnx", "--user-table", "no/where/t.json"), "no/where", "exists"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_asked_wrongly(name: str, sandbox: Sandbox) -> None:
    arguments, message, hint = WRONG[name]
    with sandbox.unchanged():
        outcome = probe(sandbox, *arguments)
    assert outcome.code == 2, outcome.stderr
    assert message in outcome.error_line
    assert hint in outcome.stderr


def test_own_model(sandbox: Sandbox) -> None:
    outcome = probe(sandbox, "--model", "model.onnx", "--evidence-output", "found.jsonl", build=["fail no Thing"])
    assert outcome.code == 0, outcome.stderr
    assert row_of(outcome, "odd (+1)")[:4] == ["odd (+1)", "my.domain::Thing", "unknown", "build-fails"]
    assert "Relu" not in outcome.stdout
    lines = [json.loads(line) for line in (sandbox.folder / "found.jsonl").read_text().splitlines()]
    assert {line["outcome"] for line in lines} == {"build-fails"}
    assert all(line["platform"] == "rk3588" and "my.domain.Thing" in line["model"] for line in lines)
    assert not (sandbox.home / "user_table.json").exists()


def test_lint_says_what_was_measured(sandbox: Sandbox) -> None:
    assert probe(sandbox, "--model", "model.onnx", "--add", build=["fail no Thing"]).code == 0
    outcome = sandbox.run("lint", "model.onnx", "--format", "json")
    (result,) = json.loads(outcome.stdout)["results"]
    assert result["verdict"] == "build-fails"
    (key,) = json.loads((sandbox.home / "user_table.json").read_text())["instances"]
    found = [each for each in result["diagnostics"] if each["evidence"] == [f"user:{key}"]]
    assert {each["at"]["node"] for each in found} == {"odd", "again"}
    assert {each["confidence"] for each in found} == {"probed"}


def codes(outcome: Outcome) -> set[str]:
    (result,) = json.loads(outcome.stdout)["results"]
    return {each["code"] for each in result["diagnostics"]}


def test_a_broken_user_table_is_told(sandbox: Sandbox) -> None:
    (sandbox.home / "user_table.json").write_text("{")
    outcome = sandbox.run("lint", "model.onnx")
    assert outcome.code == 2
    assert "is no user table" in outcome.error_line
    assert outcome.hint_line


def test_own_model_added_to_the_user_table(sandbox: Sandbox) -> None:
    outcome = probe(sandbox, "--model", "model.onnx", "--add", "--target", "rk3588", "--target", "rk3576")
    assert outcome.code == 0, outcome.stderr
    assert "2 outcomes added" in outcome.stderr
    (instance,) = json.loads((sandbox.home / "user_table.json").read_text())["instances"].values()
    assert instance["op"] == "my.domain::Thing"
    assert {key: each["outcome"] for key, each in instance["outcomes"].items()} == {
        "rknn-2.3.2/rk3588-fp16": "npu",
        "rknn-2.3.2/rk3576-fp16": "npu",
    }
    assert "RK103" not in codes(sandbox.run("lint", "model.onnx", "--format", "json"))
    nowhere = {"RKGRAPH_USER_TABLE": "none.json"}
    assert "RK103" in codes(sandbox.run("lint", "model.onnx", "--format", "json", env=nowhere))

    everything = probe(sandbox, "--model", "model.onnx", "--all", "--user-table", "mine.json", build=["fail x"])
    assert everything.code == 0
    assert len(json.loads((sandbox.folder / "mine.json").read_text())["instances"]) == 3
