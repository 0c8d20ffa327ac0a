"""Faults that no command may have: inputs overwritten, options that do nothing, messages without a mend."""

from __future__ import annotations

import ast
import shlex
from pathlib import Path

import numpy as np
import onnx
import pytest

from rkgraph.cli.output import Output
from rkgraph.cli.reference import reference
from rkgraph.errors import UsageError
from tests.cli.harness import Sandbox

PACKAGE = Path(__file__).resolve().parents[2] / "rkgraph"
MODEL = """<ir_version: 8, opset_import: ["" : 17]>
g (float[1,4,8,8] x) => (float[1,4,8,8] y) { a = Celu(x) y = Relu(a) }"""
MAINTAINERS = ("tables/", "rulebook/ruleset.py", "report/document.py", "report/graph_rows.py")
"""Errors of shipped data, which its tests see; those of reports get their hint where the file is read."""


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    made = Sandbox(tmp_path)
    onnx.save(onnx.parser.parse_model(MODEL), made.folder / "m.onnx")
    np.savez(made.folder / "x.npz", x=np.zeros((1, 4, 8, 8), np.float32))
    for name in ("r.json", "p.toml", "e.json"):
        (made.folder / name).write_text("{}")
    (made.folder / "link.onnx").symlink_to("m.onnx")
    (made.folder / "@at.onnx").write_bytes((made.folder / "m.onnx").read_bytes())
    return made


@pytest.mark.parametrize(
    "arguments",
    [
        "lint m.onnx -o m.onnx",
        "lint m.onnx --json-output link.onnx",
        "lint m.onnx --calibration x.npz --sarif-output x.npz",
        "lint m.onnx --verify --evidence-output m.onnx",
        "fix m.onnx -o f.onnx --report m.onnx",
        "fix m.onnx -o f.onnx --inputs x.npz --report x.npz",
        "fix m.onnx -o x.npz --inputs x.npz",
        "compile m.onnx -o c.rknn --log m.onnx",
        "compile m.onnx -o c.rknn --report m.onnx",
        "compile m.onnx -o c.rknn --verify --inputs x.npz --log x.npz",
        "run m.onnx --inputs x.npz -o x.npz",
        "report r.json -o r.json",
        "report r.json --html-output r.json",
        "gate r.json --summary r.json",
        "gate r.json --policy p.toml --summary p.toml",
        "reduce m.onnx -o m.onnx",
        "baseline write m.onnx -o m.onnx",
        "probe --model m.onnx --evidence-output m.onnx",
        "evidence import e.json --user-table e.json",
    ],
)
def test_nothing_that_is_read_is_overwritten(sandbox: Sandbox, arguments: str) -> None:
    with sandbox.unchanged():
        done = sandbox.run(*arguments.split())
    assert done.code == 2
    assert "would be overwritten" in done.error_line or "exists and is no bundle" in done.error_line
    assert done.hint_line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("lint m.onnx --json-output a --sarif-output ./a", "two results"),
        ("fix m.onnx -o f.onnx --report f.onnx", "two results"),
        ("compile m.onnx -o c.rknn --report c.rknn", "two results"),
        ("lint m.onnx -o -", "no file to write to"),
        ("fix m.onnx -o -", "written to a file"),
        ("fix m.onnx -o f.onnx --diff", "--diff and -o"),
        ("fix m.onnx --in-place --diff", "--diff and --in-place"),
        ("fix m.onnx -o f.onnx --tune-budget 1h", "--tune-budget is given without --tune"),
        ("fix m.onnx -o f.onnx --toolkit-python /x", "--toolkit-python is given without --tune"),
        ("fix m.onnx -o f.onnx --rewrite-plan", "--rewrite-plan is given without --plan"),
        ("fix m.onnx -o f.onnx --assume z=0..1", "no such value"),
        ("fix m.onnx -o f.onnx --inputs r.json", "not a .npz"),
        ("fix m.onnx -o nowhere/f.rk", "cannot be written"),
        ("compile m.onnx -o c.rknn --threshold 0.9", "--threshold is given without --verify"),
        ("compile m.onnx -o c.rknn --islands-int8 0.9", "--islands-int8 is given without --islands"),
        ("compile gone.rk --verify", "no such file or folder"),
        ("run m.onnx --inputs x.npz --backend cpu --core-mask 0", "--core-mask"),
        ("run m.onnx --inputs x.npz -o y.txt", "written as .npz"),
        ("gate r.json --init g.toml --policy p.toml", "--policy does not go with it"),
        ("lint m.onnx --matrix --calibration x.npz", "--matrix and --calibration"),
        ("lint m.onnx -q -v", "contradict"),
        ("lint -", "no such file"),
        ("lint @at.onnx", "list of models"),
        ("lint m.onnx --target rk1808", "before rknn-toolkit2"),
        ("lnit m.onnx", "no command 'lnit'"),
        ("lint m.onnx --targt rk3588", "no option --targt"),
        ("lint", "MODEL… is missing"),
        ("lint m.onnx --format jsn", "'jsn' is not one of"),
        ("lint m.onnx --target", "requires an argument"),
        ("fix m.onnx m.onnx -o f.onnx", "unexpected extra argument"),
        ("toolkit instal", "no command 'instal'"),
    ],
)
def test_what_cannot_be_meant_is_one_line_and_a_hint(sandbox: Sandbox, arguments: str, words: str) -> None:
    with sandbox.unchanged():
        done = sandbox.run(*arguments.split())
    assert done.code == 2
    assert words in done.error_line
    assert done.hint_line
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ("lnit m.onnx", "did you mean lint?"),
        ("lint m.onnx --targt rk3588", "did you mean --target?"),
        ("lint m.onnx --format jsn", "did you mean json?"),
        ("lint m.onnx --precision int8", "did you mean w8a8?"),
        ("lint", "rkgraph lint model.onnx"),
        ("lint @at.onnx", "./@at.onnx"),
        ("inspect m.onnx", "rkgraph compile m.onnx -o m.rknn"),
    ],
)
def test_hints_say_what_was_meant(sandbox: Sandbox, arguments: str, hint: str) -> None:
    assert hint in sandbox.run(*arguments.split()).hint_line


@pytest.mark.parametrize(
    "arguments",
    [
        "lint LONG",
        "lint @LONG",
        "lint m.onnx -o LONG",
        "lint m.onnx --config LONG",
        "lint loop",
        "fix m.onnx -o LONG",
        "fix m.onnx --plan=LONG -o f.onnx",
        "compile LONG -o c.rknn",
        "run m.onnx --inputs LONG",
        "report LONG",
        "gate LONG",
        "baseline write m.onnx -o LONG",
        "inspect LONG",
        "board-check -o LONG",
        "evidence import LONG",
        "demo -o m.onnx --model .",
    ],
)
def test_paths_that_no_file_can_have_are_the_users_fault(sandbox: Sandbox, arguments: str) -> None:
    (sandbox.folder / "loop").symlink_to("loop")
    done = sandbox.run(*arguments.replace("LONG", "n" * 300).split())
    assert done.code == 2, done.stderr
    assert done.hint_line


def test_a_pointer_of_git_lfs_is_told_as_such(sandbox: Sandbox) -> None:
    (sandbox.folder / "p.onnx").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    done = sandbox.run("lint", "p.onnx")
    assert (done.code, done.hint_line) == (2, "  hint: git lfs pull")


def test_commands_to_paste_survive_any_name(sandbox: Sandbox) -> None:
    for name in ("-x.onnx", "@x.onnx", "<b> & [red].onnx", "ü – 模.onnx"):
        (sandbox.folder / name).write_bytes((sandbox.folder / "m.onnx").read_bytes())
        told = sandbox.run("lint", f"./{name}")
        assert told.stdout.splitlines()[-2] == "next:"
        words = shlex.split(told.stdout.splitlines()[-1])
        fixed = sandbox.run(*words[1:])
        assert fixed.code == 0, fixed.stderr
        assert (sandbox.folder / name.replace(".onnx", ".rk.onnx")).is_file()
        assert shlex.split(fixed.stderr.splitlines()[-1])[-1].endswith(name.replace(".onnx", ".rknn"))


HOSTILE = "n\x1b[31m\x07\nerror: forged [red]\u202e"


def test_names_of_a_model_are_no_orders_to_a_terminal(sandbox: Sandbox) -> None:
    model = onnx.load(sandbox.folder / "m.onnx")
    model.graph.node[0].name = model.graph.input[0].name = model.graph.node[0].input[0] = HOSTILE
    onnx.save(model, sandbox.folder / "h.onnx")
    for words in (
        "lint h.onnx",
        "lint h.onnx -v -o told.txt",
        "lint h.onnx --shape y=1",
        "fix h.onnx --diff",
        "fix h.onnx -o h.rk",
        "run h.onnx --inputs x.npz",
    ):
        done = sandbox.run(*words.split())
        file = sandbox.folder / "told.txt"
        told = done.stdout + done.stderr + (file.read_text() if file.exists() else "")
        assert told
        assert not [c for c in told if not c.isprintable() and c != "\n"], words
        assert not [line for line in done.stdout.splitlines() if line.startswith("error: forged")], words


def test_every_error_that_a_user_sees_says_what_mends_it() -> None:
    kinds = {"UsageError", "ModelError", "TargetError", "ToolkitMissing"}
    bare = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        raised = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in kinds]
        if not name.startswith(MAINTAINERS):
            bare += [f"{name}:{call.lineno}" for call in raised if len(call.args) + len(call.keywords) < 2]
    assert bare == []


def test_options_of_one_name_mean_one_thing() -> None:
    """`--target` and the like are told in the same words wherever they are."""
    told: dict[str, set[str]] = {}
    for command in reference():
        for parameter in command["parameters"]:
            name = parameter["name"].split()[0].rstrip(",")
            if name in {"--rules", "--precision", "--shape", "--dim", "--isolated", "-v", "-q", "--memory"}:
                told.setdefault(name, set()).add(parameter["help"].partition(" [default")[0])
    different = {name: texts for name, texts in told.items() if len(texts) > 1}
    assert set(different) <= {"--precision", "--memory"}  # probe's default differs; lint's is for --verify
    assert told


def test_quiet_and_verbose_contradict_each_other() -> None:
    with pytest.raises(UsageError, match="--quiet and --verbose"):
        Output(quiet=True, verbose=True)
