"""`rkgraph lint` as a user meets it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from rkgraph.report.document import report_from_json
from tests.cli.harness import Sandbox
from tests.rules.harness import parse

CLEAN = "g (float[1, 4] x) => (float[1, 4] y) <float[1, 4] w = {1, 2, 3, 4}> { y = Mul(x, w) }"
TWO_TANS = "g (float[1, 4] x) => (float[1, 4] y) { a = Tan(x) b = Add(a, x) y = Tan(b) }"
CPU = "g (int64[1, 4] x) => (int64[1, 4] y) { y = Add(x, x) }"
DYNAMIC = "g (int64[batch, sequence] input_ids) => (int64[batch, sequence] y) { y = Neg(input_ids) }"


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    made = Sandbox(tmp_path)
    for name, text in {"clean": CLEAN, "tans": TWO_TANS, "cpu": CPU, "dynamic": DYNAMIC}.items():
        (made.folder / f"{name}.onnx").write_bytes(parse(text).SerializeToString())
    return made


def test_a_clean_model_exits_with_0_and_says_what_comes_next(sandbox: Sandbox) -> None:
    outcome = sandbox.run("lint", "clean.onnx")
    assert outcome.code == 0
    lines = outcome.stdout.splitlines()
    assert lines[0].startswith("clean.onnx: deployable")
    assert "placement: 1 on the NPU" in lines
    assert lines[-1] == "  rkgraph compile clean.onnx --rules rknn-2.3.2 --target rk3588 -o clean.rknn"


def test_errors_exit_with_1_and_the_same_on_many_nodes_is_one_line(sandbox: Sandbox) -> None:
    outcome = sandbox.run("lint", "tans.onnx")
    assert outcome.code == 1
    assert outcome.stdout.splitlines()[0].startswith("tans.onnx: no-board-kernel")
    findings, _, _ = outcome.stdout.partition("\nplacement: ")
    (line,) = [line for line in findings.splitlines() if line.strip().startswith("RK124")]
    assert "×2" in line


@pytest.mark.parametrize(("threshold", "code"), [("error", 0), ("warning", 1), ("note", 1)])
def test_the_threshold_decides_the_exit_code(threshold: str, code: int, sandbox: Sandbox) -> None:
    outcome = sandbox.run("lint", "cpu.onnx", "--fail-on", threshold)
    assert "RK106" in outcome.stdout
    assert outcome.code == code


def test_json_is_a_valid_report_and_the_same_but_for_run(sandbox: Sandbox) -> None:
    texts = [sandbox.run("lint", "clean.onnx", "tans.onnx", "--format", "json").stdout for _ in range(2)]
    first, second = (report_from_json(text) for text in texts)
    assert [result.model.path for result in first.results] == ["clean.onnx", "tans.onnx"]
    assert first.results == second.results
    assert set(first.run) == {"started", "seconds"}
    documents = [json.loads(text) for text in texts]
    for document in documents:
        del document["run"]
    assert documents[0] == documents[1]


@pytest.mark.parametrize("form", ["text", "json"])
def test_output_goes_to_a_file(form: str, sandbox: Sandbox) -> None:
    outcome = sandbox.run("lint", "tans.onnx", "--format", form, "-o", "report.out")
    assert (outcome.code, outcome.stdout) == (1, "")
    assert "RK124" in (sandbox.folder / "report.out").read_text()


def test_an_unwritable_output_is_a_usage_error(sandbox: Sandbox) -> None:
    outcome = sandbox.run("lint", "clean.onnx", "-o", "gone/report.txt")
    assert outcome.code == 2
    assert "gone/report.txt" in outcome.error_line


def test_a_list_names_models_relative_to_itself(sandbox: Sandbox) -> None:
    (sandbox.folder / "lists").mkdir()
    (sandbox.folder / "lists" / "all.txt").write_text("../clean.onnx  # the good one\n\n# nothing\n../tans.onnx\n")
    outcome = sandbox.run("lint", "@lists/all.txt")
    assert outcome.code == 1
    assert "lists/../clean.onnx: deployable" in outcome.stdout
    assert "lists/../tans.onnx: no-board-kernel" in outcome.stdout


@pytest.mark.parametrize(("content", "words"), [(None, "list.txt"), ("# empty\n", "name no model")])
def test_a_list_without_models_is_a_usage_error(content: str | None, words: str, sandbox: Sandbox) -> None:
    if content is not None:
        (sandbox.folder / "list.txt").write_text(content)
    outcome = sandbox.run("lint", "@list.txt")
    assert outcome.code == 2
    assert words in outcome.error_line


def test_all_models_are_done_and_several_unreadable_ones_are_counted(sandbox: Sandbox) -> None:
    (sandbox.folder / "bad.onnx").write_bytes(b"")
    outcome = sandbox.run("lint", "bad.onnx", "clean.onnx", "gone.onnx")
    assert outcome.code == 2
    assert "2 of 3 models" in outcome.error_line
    assert "bad.onnx: cannot be read" in outcome.stdout
    assert "clean.onnx: deployable" in outcome.stdout


def test_the_next_command_has_shapes_of_the_tokenizer_and_can_be_pasted(sandbox: Sandbox) -> None:
    (sandbox.folder / "sentence_bert_config.json").write_text('{"max_seq_length": 256}')
    outcome = sandbox.run("lint", "dynamic.onnx")
    words = shlex.split(outcome.stdout.splitlines()[-1])
    assert words[:3] == ["rkgraph", "fix", "dynamic.onnx"]
    assert "input_ids=1x256" in words
    assert words[-2:] == ["-o", "dynamic.rk.onnx"]


def test_without_files_the_next_command_shows_what_to_fill_in(sandbox: Sandbox) -> None:
    *_, title, command = sandbox.run("lint", "dynamic.onnx").stdout.splitlines()
    assert title == "next, with your sizes for <batch>, <sequence>:"
    assert "input_ids=<batch>x<sequence>" in shlex.split(command)


def test_quiet_is_one_line_a_model(sandbox: Sandbox) -> None:
    outcome = sandbox.run("lint", "clean.onnx", "tans.onnx", "gone.onnx", "-q")
    lines = outcome.stdout.splitlines()
    assert [line.split(" ")[:2] for line in lines] == [
        ["clean.onnx:", "deployable"],
        ["tans.onnx:", "no-board-kernel"],
        ["gone.onnx:", "cannot"],
    ]


def test_a_bundle_is_linted_where_it_keeps_its_models(sandbox: Sandbox) -> None:
    assert sandbox.run("fix", "clean.onnx", "-o", "clean.rk", "-q").code == 0
    outcome = sandbox.run("lint", "clean.rk")
    assert outcome.code == 0
    assert outcome.stdout.startswith("clean.rk/model.onnx: deployable")
    assert outcome.stdout.splitlines()[-1] == "  rkgraph compile clean.rk --rules rknn-2.3.2 --target rk3588"


def test_a_bundle_without_onnx_and_one_that_is_damaged(sandbox: Sandbox) -> None:
    assert sandbox.run("fix", "clean.onnx", "-o", "clean.rk", "-q").code == 0
    manifest = sandbox.folder / "clean.rk" / "manifest.json"
    data = json.loads(manifest.read_text())
    (manifest.parent / "model.rknn").write_bytes(b"RKNN")
    data["stages"][0] |= {"source": None, "model": "model.rknn"}
    manifest.write_text(json.dumps(data))
    outcome = sandbox.run("lint", "clean.rk")
    assert (outcome.code, "keeps no ONNX model" in outcome.error_line) == (2, True)
    manifest.write_text("{")
    outcome = sandbox.run("lint", "clean.rk", "tans.onnx")
    assert (outcome.code, "is not JSON" in outcome.error_line) == (2, True)
    assert "tans.onnx: no-board-kernel" in outcome.stdout


def test_pins_make_a_dynamic_model_static(sandbox: Sandbox) -> None:
    outcome = sandbox.run("lint", "dynamic.onnx", "--shape", "input_ids=1x8", "--format", "json")
    (result,) = report_from_json(outcome.stdout).results
    assert result.model.inputs[0].shape == (1, 8)
    assert "RK301" not in {d.code for d in result.diagnostics}


def test_linting_imports_nothing_heavy(sandbox: Sandbox) -> None:
    code = """
import sys
sys.argv = ["rkgraph", "lint", "dynamic.onnx", "--format", "json"]
from rkgraph.cli.app import main
try:
    main()
finally:
    wanted = {"onnx_graphsurgeon", "onnxruntime", "torch", "numpy", "jsonschema", "networkx", "rich", "onnx.helper"}
    print("heavy:", sorted(wanted & set(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=sandbox.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "heavy: []" in done.stderr
