"""`rkgraph lint --verify` as a user meets it: bad input at once, and the word of the real toolkit, asked once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rkgraph.report.document import report_from_json
from rkgraph.toolkit.locate import find_toolkit
from tests.builders import saved, text_model
from tests.cli.harness import Sandbox

CONV = "g (float[1,2,8,6] x) => (float[1,2,8,6] z) <float[2,2,1,1] w = {1,2,3,4}> { y = Conv(x, w)  z = Relu(y) }"
DYNAMIC = "g (float[N,3] x) => (float[N,3] z) { z = Relu(x) }"
CRASH = "g (int32[2] x) => (int32[2] z) <int32[2] a = {5,6}, int32[2] b = {0,0}> { m = Mod(a, b)  z = Add(x, m) }"


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    made = Sandbox(tmp_path)
    for name, text in {"conv": CONV, "dynamic": DYNAMIC, "crash": CRASH}.items():
        saved(text_model(text), made.folder, f"{name}.onnx")
    (made.folder / "text.onnx").write_text("this is no model")
    return made


@pytest.fixture
def python() -> Path:
    """The interpreter of the managed toolkit, since a sandbox has a home of its own."""
    return find_toolkit("2.3.2", None).python


@pytest.mark.parametrize(
    ("arguments", "said", "mend"),
    [
        (["conv.onnx", "--timeout", "9"], "--timeout is given without --verify", "add --verify"),
        (["conv.onnx", "--evidence-output", "e.jsonl"], "--evidence-output is given without", "add --verify"),
        (["conv.onnx", "--verify"], "is not installed", "rkgraph toolkit install 2.3.2"),
        (["conv.onnx", "--verify", "--toolkit-python", "absent/python"], "absent/python", "--toolkit-python"),
        (["conv.onnx", "--verify", "--evidence-output", "absent/e.jsonl"], "cannot be written", "absent"),
        (["text.onnx", "--verify"], "text.onnx", ""),
        (["conv.onnx", "--verify", "--shape", "y=1x3"], "no input 'y'", "x"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_line_and_exit_code_2(sandbox: Sandbox, arguments: list[str], said: str, mend: str) -> None:
    with sandbox.unchanged():
        outcome = sandbox.run("lint", *arguments)
    assert outcome.code == 2
    assert said in outcome.error_line
    if mend:
        assert mend in outcome.hint_line


@pytest.mark.toolkit
def test_the_compilers_word_is_asked_once_and_the_report_is_the_same(sandbox: Sandbox, python: Path) -> None:
    words = ("lint", "conv.onnx", "dynamic.onnx", "crash.onnx", "--verify", "--format", "json")
    first = sandbox.run(*words, "--evidence-output", "e.jsonl", "--toolkit-python", python)
    assert first.code == 1
    report = report_from_json(first.stdout)
    assert [result.verdict.value for result in report.results] == ["deployable", "build-fails", "build-fails"]
    assert all("predicted_verdict" in (result.compile or {}) for result in report.results)
    assert all(json.loads(line) for line in (sandbox.folder / "e.jsonl").read_text().splitlines())
    again = report_from_json(sandbox.run(*words).stdout)  # its own home has no toolkit: all comes from the cache
    assert again.results == report.results


@pytest.mark.toolkit
def test_a_pinned_model_is_built_as_it_was_linted(sandbox: Sandbox, python: Path) -> None:
    outcome = sandbox.run("lint", "dynamic.onnx", "--verify", "--dim", "N=2", "--toolkit-python", python)
    assert outcome.stdout.splitlines()[0].startswith("dynamic.onnx: ")
    assert "deployable on rk3588" in outcome.stdout.splitlines()[0]
    assert "the compiler" in outcome.stdout.splitlines()[0]


@pytest.mark.toolkit
def test_no_answer_in_time_is_exit_code_4_and_leaves_the_prediction(sandbox: Sandbox, python: Path) -> None:
    outcome = sandbox.run("lint", "conv.onnx", "--verify", "--memory", "1", "--toolkit-python", python)
    assert outcome.code == 4
    assert "--memory" in outcome.hint_line
    assert "the compiler gave no answer" in outcome.stdout.splitlines()[0]
