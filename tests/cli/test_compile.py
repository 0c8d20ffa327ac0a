"""`rkgraph compile` as a user runs it: bad input, and with the real toolkit a build, its cache, Ctrl-C and limits."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from rkgraph.compile.manifest import Bundle, BundleStage
from rkgraph.results import TensorInfo
from rkgraph.toolkit.locate import find_toolkit
from tests.builders import saved, text_model, weighted_model
from tests.cli.harness import Sandbox

RELU = "g (float[1,4] x) => (float[1,4] y) { y = Relu(x) }"


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    made = Sandbox(tmp_path)
    saved(text_model(RELU), made.folder)
    return made


BAD: list[tuple[list[str], str, str]] = [
    (["absent.onnx", "-o", "m.rknn"], "absent.onnx", ""),
    (["model.onnx"], "where to?", "-o model.rknn"),
    (["model.onnx", "-o", "other.onnx"], "is no .onnx", "other.rknn"),
    (["model.onnx", "-o", "absent/m.rknn"], "cannot be written", "absent"),
    (["model.onnx", "-o", "full"], "exists and is no bundle", "another -o"),
    (["model.onnx", "--target", "rk3589", "-o", "m.rknn"], "rk3589", "rk3588"),
    (["model.onnx", "--toolkit", "2.4.0", "-o", "m.rknn"], "2.4.0", "2.3.2"),
    (["model.onnx", "--toolkit", "2.5.0", "--rules", "rknn-2.3.2", "-o", "m.rknn"], "2.5.0", "one of the two"),
    (["model.onnx", "--precision", "fp32", "-o", "m.rknn"], "fp32", "fp16"),
    (["model.onnx", "--precision", "w8a8", "-o", "m.rknn"], "needs calibration", "--calibration"),
    (["model.onnx", "--calibration", "y.npz", "-o", "m.rknn"], "does not quantize", "drop --calibration"),
    (["model.onnx", "--precision", "w8a8", "--calibration", "y.npz", "-o", "m.rknn"], "y is not an input", "x"),
    (["model.onnx", "--config", "absent.toml", "-o", "m.rknn"], "absent.toml", ""),
    (["model.onnx", "--config", "typo.toml", "-o", "m.rknn"], "optimisation_level", "did you mean optimization_level"),
    (["model.onnx", "--inputs", "y.npz", "-o", "m.rknn"], "without --verify", "add --verify"),
    (["model.onnx", "--verify", "--inputs", "y.npz", "-o", "m.rknn"], "y is not an input", "x"),
    (["model.onnx", "--verify", "--threshold", "2", "-o", "m.rknn"], "no cosine", "up to 1"),
    (["full", "-o", "m.rk"], "is no bundle", "rkgraph fix"),
    (["text.onnx", "-o", "m.rknn"], "text.onnx", ""),
    (["zero.onnx", "-o", "m.rknn"], "zero.onnx", ""),
    (["half.onnx", "-o", "m.rknn"], "half.onnx", ""),
    (["model.onnx", "-o", "m.rknn"], "is not installed", "rkgraph toolkit install 2.3.2"),
    (["model.onnx", "--toolkit-python", "absent/python", "-o", "m.rknn"], "absent/python", "--toolkit-python"),
]


@pytest.mark.parametrize(("arguments", "said", "mend"), BAD, ids=[" ".join(each[0]) for each in BAD])
def test_bad_input_is_one_line_and_exit_code_2(sandbox: Sandbox, arguments: list[str], said: str, mend: str) -> None:
    folder = sandbox.folder
    np.savez(folder / "y.npz", y=np.zeros((1, 4), np.float32))
    (folder / "typo.toml").write_text("optimisation_level = 2\n")
    (folder / "full").mkdir()
    (folder / "full" / "mine.txt").write_text("mine")
    (folder / "text.onnx").write_text("this is no model")
    (folder / "zero.onnx").touch()
    whole = saved(weighted_model(), folder, "half.onnx").read_bytes()
    (folder / "half.onnx").write_bytes(whole[: len(whole) // 2])
    with sandbox.unchanged():
        outcome = sandbox.run("compile", *arguments)
    assert outcome.code == 2
    assert said in outcome.error_line
    if mend:
        assert mend in outcome.hint_line


def test_a_bundle_of_several_stages_is_no_rknn(sandbox: Sandbox) -> None:
    x, y = TensorInfo("x", "float32", (1, 4)), TensorInfo("y", "float32", (1, 4))
    stages = [BundleStage("a", "rknn", "model.onnx", None, (x,), (y,))]
    stages.append(BundleStage("b", "onnx", "model.onnx", None, (x,), (y,)))
    Bundle.create(sandbox.folder, stages)
    outcome = sandbox.run("compile", ".", "-o", "m.rknn")
    assert outcome.code == 2
    assert "cannot hold the stages a (rknn), b (onnx)" in outcome.error_line
    assert "FOLDER.rk" in outcome.hint_line


@pytest.fixture
def python() -> Path:
    """The interpreter of the managed toolkit, since a sandbox has a home of its own."""
    return find_toolkit("2.3.2", None).python


@pytest.mark.toolkit
def test_build_cache_report_log_and_run(sandbox: Sandbox, python: Path) -> None:
    arguments = [
        "compile",
        "model.onnx",
        "--toolkit-python",
        python,
        "--verify",
        "--report",
        "r.json",
        "--log",
        "b.log",
    ]
    first = sandbox.run(*arguments, "-o", "m.rk")
    assert first.code == 0, first.stderr
    assert "built in" in first.stdout
    assert "verdict: deployable" in first.stdout
    assert "Network Layer Information Table" in (sandbox.folder / "b.log").read_text()
    report = json.loads((sandbox.folder / "r.json").read_text())
    again = sandbox.run(*arguments, "-o", "m.rk")
    assert again.code == 0
    assert "from cache" in again.stdout
    later = json.loads((sandbox.folder / "r.json").read_text())
    assert {**report, "run": None} == {**later, "run": None}
    np.savez(sandbox.folder / "x.npz", x=np.array([[-1, 0, 1, 2]], np.float32))
    run = sandbox.run("run", "m.rk", "--toolkit-python", python, "--inputs", "x.npz", "-o", "y.npz")
    assert run.code == 0
    assert "backend: simulator" in run.stderr
    assert np.load(sandbox.folder / "y.npz")["y"].tolist() == [[0, 0, 1, 2]]


@pytest.mark.toolkit
def test_below_the_threshold_and_a_board_that_will_refuse_are_findings(sandbox: Sandbox, python: Path) -> None:
    saved(text_model(RELU.replace("Relu", "Neg")), sandbox.folder, "other.onnx")
    saved(text_model("g (float[1,3,8,8] x) => (float[1,3,8,8] y) { y = Trilu(x) }"), sandbox.folder, "trilu.onnx")
    common = ["--toolkit-python", python, "-o", "m.rknn"]
    refuted = sandbox.run("compile", "model.onnx", "--verify", "--against", "other.onnx", *common)
    assert refuted.code == 1
    assert "FAILED" in refuted.stdout
    refused = sandbox.run("compile", "trilu.onnx", *common)
    assert refused.code == 1
    assert "no-board-kernel" in refused.stdout


@pytest.mark.toolkit
def test_a_failed_build_leaves_nothing_but_what_was_asked_for(sandbox: Sandbox, python: Path) -> None:
    text = "g (float[1,8,8] x, int64[1] axes) => (float[N,M,K] y) { y = ReduceSum(x, axes) }"
    saved(text_model(text), sandbox.folder, "bad.onnx")
    before = {path.name for path in sandbox.folder.iterdir()}
    common = ["compile", "bad.onnx", "--toolkit-python", python, "-o", "m.rknn"]
    failed = sandbox.run(*common, "--log", "b.log", "--report", "r.json")
    assert failed.code == 4
    assert "need to be constant" in failed.error_line
    assert {path.name for path in sandbox.folder.iterdir()} - before == {"b.log", "r.json"}
    report = json.loads((sandbox.folder / "r.json").read_text())
    assert report["results"][0]["verdict"] == "build-fails"


@pytest.mark.toolkit
@pytest.mark.parametrize("after", ["toolkit starts", "build begins"])
def test_ctrl_c_leaves_nothing(sandbox: Sandbox, python: Path, after: str) -> None:
    saved(weighted_model(1024), sandbox.folder, "large.onnx")

    def begun() -> bool:
        jobs = [path for path in sandbox.temporary.glob("rkgraph-*/*") if path.name.startswith("job-")]
        return bool(jobs) if after == "build begins" else any(sandbox.temporary.glob("rkgraph-*/worker.log"))

    with sandbox.unchanged():
        outcome = sandbox.interrupt("compile", "large.onnx", "--toolkit-python", python, "-o", "m.rknn", when=begun)
    assert outcome.code == 130


@pytest.mark.toolkit
def test_limits_end_a_build(sandbox: Sandbox, python: Path) -> None:
    saved(weighted_model(1024), sandbox.folder, "large.onnx")
    with sandbox.unchanged():
        outcome = sandbox.run("compile", "large.onnx", "--toolkit-python", python, "--memory", "1", "-o", "m.rknn")
    assert outcome.code == 4
    assert "too much memory" in outcome.error_line
    assert "--memory" in outcome.hint_line


def test_help_has_examples(sandbox: Sandbox) -> None:
    for command in ("compile", "run"):
        outcome = sandbox.run(command, "--help")
        assert outcome.code == 0
        assert f"rkgraph {command} " in outcome.stdout


def test_an_unwritable_folder(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:  # root may write anywhere: /proc stands in for a folder that nobody can
        output: str | Path = "/proc/m.rknn"
    else:
        (sandbox.folder / "locked").mkdir(mode=0o500)
        output = "locked/m.rknn"
    outcome = sandbox.run("compile", "model.onnx", "-o", output)
    assert outcome.code == 2
    assert "cannot be written" in outcome.error_line
