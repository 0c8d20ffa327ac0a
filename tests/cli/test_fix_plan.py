"""`rkgraph fix --plan`: written where it is not there, followed where it is, never contradicted in silence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.harness import Outcome, Sandbox
from tests.rules.harness import parse

MODEL = """<ir_version: 9, opset_import: ["" : 17]>
g (float[n, 8] x, float[n, 8] b) => (float[n, 8] y) { s = Add(x, b) kept = Identity(s) y = Relu(kept) }"""


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    made = Sandbox(tmp_path)
    (made.folder / "model.onnx").write_bytes(parse(MODEL).SerializeToString())
    return made


def fix(sandbox: Sandbox, output: str, *arguments: str) -> Outcome:
    return sandbox.run("fix", "model.onnx", "--proof", "local", "-o", output, "--plan", "plan.toml", *arguments)


def test_a_plan_is_written_edited_and_followed(sandbox: Sandbox) -> None:
    np.save(sandbox.folder / "b.npy", np.ones((2, 8), np.float32))
    first = fix(sandbox, "one.onnx", "--dim", "n=2", "--freeze", "b=b.npy")
    assert (first.code, "wrote plan.toml" in first.stderr) == (0, True), first.stderr
    (sandbox.folder / "b.npy").unlink()
    plan = sandbox.folder / "plan.toml"
    written = plan.read_text()
    assert 'b = "plan.freeze-1-b.npy"' in written
    assert fix(sandbox, "two.onnx").code == 0
    one, two = ((sandbox.folder / name).read_bytes() for name in ("one.onnx", "two.onnx"))
    assert one == two
    assert plan.read_text() == written
    part = written[written.index("RK401") :]
    plan.write_text(written.replace(part, part.replace("apply = true", "apply = false", 1)))
    edited = fix(sandbox, "three.onnx")
    assert "the plan says so" in edited.stdout
    assert b"Identity" not in one
    assert b"Identity" in (sandbox.folder / "three.onnx").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--dim", "n=4"), ("--dim n=4", "n = 2")),
        (("--toolkit", "2.3.0"), ("--rules rknn-2.3.0", "rules = rknn-2.3.2")),
    ],
)
def test_what_contradicts_a_plan_is_refused_by_name(
    arguments: tuple[str, ...], said: tuple[str, str], sandbox: Sandbox
) -> None:
    (sandbox.folder / "plan.toml").write_text('schema = "rkgraph.plan/1"\n[dims]\nn = 2\n')
    done = fix(sandbox, "two.onnx", *arguments)
    assert done.code == 2
    assert all(words in done.error_line for words in (*said, "plan.toml"))
    assert not (sandbox.folder / "two.onnx").exists()


def test_what_is_stale_is_named_and_a_rewritten_plan_has_it_no_more(sandbox: Sandbox) -> None:
    assert fix(sandbox, "one.onnx", "--dim", "n=2").code == 0
    (sandbox.folder / "model.onnx").write_bytes(parse(MODEL.replace("Identity(s)", "Neg(s)")).SerializeToString())
    stale = fix(sandbox, "two.onnx")
    assert "stale: RK401" in stale.stderr
    assert "--rewrite-plan" in stale.stderr
    assert fix(sandbox, "two.onnx", "--rewrite-plan").code == 0
    assert "RK401" not in (sandbox.folder / "plan.toml").read_text()


def test_a_plan_comes_with_a_look_at_the_difference(sandbox: Sandbox) -> None:
    done = sandbox.run("fix", "model.onnx", "--dim", "n=2", "--diff", "--plan", "plan.toml", "--proof", "local")
    assert done.code == 0
    assert {path.name for path in sandbox.folder.iterdir()} == {"model.onnx", "plan.toml"}


def test_to_rewrite_no_plan_is_a_mistake(sandbox: Sandbox) -> None:
    done = sandbox.run("fix", "model.onnx", "--rewrite-plan", "-o", "f.onnx")
    assert (done.code, "--plan" in done.error_line) == (2, True)
