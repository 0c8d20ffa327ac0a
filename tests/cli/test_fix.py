from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.cli.harness import Outcome, Sandbox
from tests.rules.harness import parse

DYNAMIC = """<ir_version: 9, opset_import: ["" : 20]>
g (float[n, 8] x, float[n, 8] b) => (float[n, 8] y)
{ shape = Shape(x) flat = Reshape(x, shape) sum = Add(flat, b) kept = Identity(sum) y = Gelu(kept) }"""


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    made = Sandbox(tmp_path)
    (made.folder / "model.onnx").write_bytes(parse(DYNAMIC).SerializeToString())
    return made


def fix(sandbox: Sandbox, *arguments: str) -> Outcome:
    return sandbox.run("fix", "model.onnx", "--proof", "local", *arguments)


def test_a_model_is_fixed_and_the_report_says_how(sandbox: Sandbox) -> None:
    done = fix(sandbox, "--dim", "n=2", "-o", "fixed.onnx", "--report", "fix.json")
    assert done.code == 0, done.stderr
    assert "allowed by --dim n=2" in done.stdout
    model = onnx.load(sandbox.folder / "fixed.onnx")
    assert model.opset_import[0].version == 19
    before, after = json.loads((sandbox.folder / "fix.json").read_text())["results"]
    assert (before["verdict"], before["model"]["path"]) == ("build-fails", "model.onnx")
    assert after["model"]["path"] == "fixed.onnx"
    assert {fix["code"] for fix in after["fixes"]["applied"]} >= {"RK110", "RK111", "RK301"}
    left = {(proof["kind"], proof["outcome"]) for proof in after["proofs"] if proof["outcome"] != "proved"}
    assert left == {("model", "skipped")}


def test_diff_shows_what_would_change_and_writes_nothing(sandbox: Sandbox) -> None:
    before = sorted(path.name for path in sandbox.folder.iterdir())
    done = fix(sandbox, "--dim", "n=2", "--diff")
    assert "- kept = Identity(sum)" in done.stdout
    assert "+ input x: float32[2, 8]" in done.stdout
    assert "- opset 20" in done.stdout
    assert "\x1b[" not in done.stdout
    assert sorted(path.name for path in sandbox.folder.iterdir()) == before


def test_without_a_shape_the_option_is_named_and_the_exit_code_is_1(sandbox: Sandbox) -> None:
    done = fix(sandbox, "-o", "fixed.onnx")
    assert done.code == 1
    assert "--shape x=1x8" in done.stdout


def test_the_input_is_overwritten_in_place_only(sandbox: Sandbox) -> None:
    original = (sandbox.folder / "model.onnx").read_bytes()
    refused = fix(sandbox, "--dim", "n=2", "-o", "model.onnx")
    assert (refused.code, "--in-place" in refused.hint_line) == (2, True)
    assert (sandbox.folder / "model.onnx").read_bytes() == original
    assert fix(sandbox, "--dim", "n=2", "--in-place").code == 0
    assert (sandbox.folder / "model.onnx").read_bytes() != original


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "nothing says where"),
        (("--shape", "y=1x8", "-o", "f.onnx"), "no input 'y'"),
        (("--shape", "x=1x9", "-o", "f.onnx"), "dimension 1 is 9"),
        (("--dim", "m=1", "-o", "f.onnx"), "'m'"),
        (("--shape", "x=0x8", "-o", "f.onnx"), "size 0"),
        (("--shape", "x=scalar", "-o", "f.onnx"), "x=scalar: has rank 0"),
        (("--freeze", "b=missing.npy", "-o", "f.onnx"), "missing.npy"),
        (("--freeze", "b=nothing", "-o", "f.onnx"), "nor none"),
        (("--freeze", "b=none", "-o", "f.onnx"), "it is a tensor"),
        (("--assume", "x=1..0", "-o", "f.onnx"), "LOW..HIGH"),
        (("--allow", "everything", "-o", "f.onnx"), "no such class"),
        (("--dim", "n=2", "-o", "nowhere/f.onnx"), "nowhere"),
        (("--inputs", "model.onnx", "-o", "f.onnx"), "not a .npz"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(sandbox: Sandbox, arguments: tuple[str, ...], said: str) -> None:
    done = fix(sandbox, *arguments)
    assert done.code == 2
    assert said in done.error_line
    assert not (sandbox.folder / "f.onnx").exists()


def test_a_frozen_input_is_a_constant(sandbox: Sandbox) -> None:
    np.save(sandbox.folder / "b.npy", np.ones((2, 8), np.float32))
    done = fix(sandbox, "--freeze", "b=b.npy", "-o", "fixed.onnx")
    assert done.code == 0, done.stdout + done.stderr
    assert [value.name for value in onnx.load(sandbox.folder / "fixed.onnx").graph.input] == ["x"]


EMPTY = """<ir_version: 8, opset_import: ["" : 17]>
g (seq(float[2]) cache, seq(float) bias, float[2] x) => (int64 old, float[2] y)
<int64 zero = {0}> { old = SequenceLength(cache) b = SequenceAt(bias, zero) y = Add(x, b) }"""


def test_a_sequence_that_holds_nothing_or_a_scalar(sandbox: Sandbox) -> None:
    (sandbox.folder / "empty.onnx").write_bytes(parse(EMPTY).SerializeToString())
    words = ("--freeze", "cache=none", "--shape", "bias[0]=scalar", "--allow", "interface", "--plan", "plan.toml")
    done = sandbox.run("fix", "empty.onnx", *words, "-o", "fixed.onnx")
    assert done.code == 0, done.stdout + done.stderr
    assert [value.name for value in onnx.load(sandbox.folder / "fixed.onnx").graph.input] == ["bias[0]", "x"]
    assert 'cache = "none"' in (sandbox.folder / "plan.toml").read_text()
    again = sandbox.run("fix", "empty.onnx", "--plan", "plan.toml", "-o", "again.onnx")
    assert again.code == 0, again.stdout + again.stderr
    written = [(sandbox.folder / name).read_bytes() for name in ("fixed.onnx", "again.onnx")]
    assert written[0] == written[1]


def test_a_folder_is_a_bundle(sandbox: Sandbox) -> None:
    done = fix(sandbox, "--dim", "n=2", "-o", "fixed.rk")
    assert done.code == 0, done.stderr
    manifest = json.loads((sandbox.folder / "fixed.rk" / "manifest.json").read_text())
    assert manifest["stages"][0]["source"] == "model.onnx"


def test_quiet_is_the_verdict_and_what_was_written(sandbox: Sandbox) -> None:
    done = fix(sandbox, "--dim", "n=2", "-o", "fixed.onnx", "-q")
    assert done.code == 0
    verdict, written = done.stdout.splitlines()
    assert verdict.startswith("model.onnx: build-fails → deployable on rk3588 · rknn-toolkit2 2.3.2 · fp16")
    assert written == "wrote fixed.onnx"
    assert done.stderr == ""


def test_quiet_leaves_json_and_diff_what_they_are(sandbox: Sandbox) -> None:
    done = fix(sandbox, "--dim", "n=2", "-o", "fixed.onnx", "-q", "--format", "json")
    assert json.loads(done.stdout)["results"][1]["verdict"] == "deployable"
    assert done.stderr == ""
    (sandbox.folder / "fixed.onnx").unlink()
    shown = fix(sandbox, "--dim", "n=2", "--diff", "-q").stdout
    assert shown == fix(sandbox, "--dim", "n=2", "--diff").stdout
