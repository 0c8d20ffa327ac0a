"""`rkgraph fix --tune` around the search: its options, what it writes beside the model, what the report shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rkgraph.cli.fix_tune import describe_tuning, parse_budget, write_build_options
from rkgraph.compile.build_config import load_build_config, options_beside
from rkgraph.errors import UsageError
from rkgraph.report.html import render
from rkgraph.results import Report
from rkgraph.targets import Target
from rkgraph.tune.score import Score
from rkgraph.tune.search import Setting, Trial, Tuned
from tests.cli.harness import Sandbox
from tests.report.samples import journey
from tests.rules.harness import parse

RELU = '<ir_version: 8, opset_import: ["" : 17]> g (float[1, 8] x) => (float[1, 8] y) { i = Identity(x) y = Relu(i) }'


@pytest.fixture
def record() -> dict[str, object]:
    first = Trial(Setting(), Score(0, 2, 3, 1000, 12.5))
    best = Trial(Setting(level=1), Score(0, 1, 3, 2000, 99.0))
    broken = Trial(Setting(without=frozenset({"RK603"})), None, "the build failed <b>badly</b>\nin two lines")
    return Tuned((first, best, broken), best, "time", {"optimization_level": 1}).record


@pytest.mark.parametrize(("text", "seconds"), [("90", 90.0), ("90s", 90.0), ("10m", 600.0), ("1.5h", 5400.0)])
def test_a_budget_is_a_time(text: str, seconds: float) -> None:
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "10 m", "m", "-1s", "1d"])
def test_a_budget_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no time"):
        parse_budget(text)


def test_the_table_marks_what_was_kept_and_says_why_a_trial_has_no_numbers(record: dict[str, object]) -> None:
    lines = [line for line, _ in describe_tuning(record)]
    (kept,) = (line for line in lines if line.startswith("  *"))
    assert "optimization_level = 1" in kept
    assert "3 tried, 2 built; kept: optimization_level = 1" in lines
    assert any("without RK603" in line and "the build failed" in line for line in lines)
    assert any("--tune-budget" in line for line in lines)


def test_the_page_has_the_trials(record: dict[str, object]) -> None:
    before, after, _ = journey("/n", "m.onnx")
    page = render(Report((before, replace(after, tune=record))))
    assert "What was tried" in page
    assert "&lt;b&gt;badly" in page
    assert "What was tried" not in render(Report((before, after)))


def test_options_are_written_where_compile_looks_and_an_old_file_goes(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    options = {"optimization_level": 2, "disable_rules": ["fuse_a"]}
    (told,) = write_build_options(model, options)
    assert "model.build.toml" in told
    read = load_build_config(options_beside(model), Target())
    assert (read.optimization_level, read.disable_rules) == (2, ("fuse_a",))
    assert list(write_build_options(model, {})) == []
    assert not options_beside(model).exists()


def test_the_options_of_a_plan_go_on_to_compile(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    (sandbox.folder / "model.onnx").write_bytes(parse(RELU).SerializeToString())
    (sandbox.folder / "p.toml").write_text('schema = "rkgraph.plan/1"\n[build]\noptimization_level = 1\n')
    done = sandbox.run("fix", "model.onnx", "--proof", "local", "--plan", "p.toml", "-o", "f.onnx")
    assert (done.code, "wrote f.build.toml" in done.stderr) == (0, True), done.stderr
    built = sandbox.run("compile", "f.onnx", "-o", "f.rknn")
    assert "build options of f.build.toml" in built.stderr


def test_without_a_toolkit_the_command_that_installs_it_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    (sandbox.folder / "model.onnx").write_bytes(parse(RELU).SerializeToString())
    done = sandbox.run("fix", "model.onnx", "--proof", "local", "--tune", "-o", "f.onnx")
    assert (done.code, "rkgraph toolkit install" in done.hint_line) == (2, True)
    assert [path.name for path in sandbox.folder.iterdir()] == ["model.onnx"]
