"""Tuning with the real compiler: a lookup that the host does better, kept by the layer table, and gone on with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from rkgraph.compile.cache import CompileCache
from rkgraph.compile.toolchain import Toolchain
from rkgraph.diagnostics import Safety
from rkgraph.engine.fix import FixOutcome, FixSettings, fix_model
from rkgraph.engine.fix_choices import Choices
from rkgraph.engine.plan_file import PlanFile, entries_of
from rkgraph.graph.model import Model
from rkgraph.report.document import report_from_json, report_to_json
from rkgraph.results import Report
from rkgraph.rulebook.registry import load_rules
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import load_ruleset
from rkgraph.targets import Target
from rkgraph.toolkit.jobs import Limits
from rkgraph.toolkit.locate import Toolkit, find_toolkit
from rkgraph.tune.search import Setting
from rkgraph.tune.tuner import knobs_of, tune
from tests.rules.harness import parse

LOOKUP = """g (int64[1, 16] ids, float[8192, 256] table, float[256, 64] w) => (float[1, 16, 64] y)
{ rows = Gather(table, ids) r = Relu(rows) y = MatMul(r, w) }"""


@pytest.fixture
def fix(tmp_path: Path) -> Callable[[Setting], FixOutcome]:
    model = parse(LOOKUP)
    random = np.random.default_rng(0)
    for name, shape in (("table", (8192, 256)), ("w", (256, 64))):
        values = (random.standard_normal(shape) / 16).astype(np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(values, name))
    del model.graph.input[1:]
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())

    def run(setting: Setting) -> FixOutcome:
        settings = FixSettings(choices=Choices(candidates=setting.candidates, without=setting.without))
        allow = frozenset({Safety.SPLIT})
        rules = load_ruleset("rknn-2.3.2")
        return fix_model(Model.load(path), Target(), rules, Options(), allow, proof="local", settings=settings)

    return run


def test_knobs_follow_from_what_fix_did(fix: Callable[[Setting], FixOutcome]) -> None:
    outcome = fix(Setting())
    assert outcome.optional == {"RK603"}
    assert [len(knob.values) for knob in knobs_of(outcome)] == [1, 3]
    assert not fix(Setting(without=frozenset({"RK603"}))).stages


@pytest.mark.toolkit
def test_the_better_place_of_a_lookup_is_found_and_the_search_goes_on(
    fix: Callable[[Setting], FixOutcome], tmp_path: Path
) -> None:
    cache = CompileCache(tmp_path / "cache")

    with Toolchain(lambda: find_toolkit("2.3.2", None), Limits(300)) as chain:
        first, _ = tune(fix, Target(), chain, cache=cache, seconds=0.0)
        assert (len(first.trials), first.stopped) == (1, "time")
        whole, outcome = tune(fix, Target(), chain, cache=cache, seconds=600.0)
    at_host, on_board = whole.trials[0].score, whole.trials[1].score
    assert at_host is not None
    assert on_board is not None
    assert at_host < on_board, "the host reads 16 rows, the board the whole table"
    assert on_board.rw_kb > at_host.rw_kb
    assert "RK603" not in whole.best.setting.without
    assert len(outcome.stages) == 2

    def gone() -> Toolkit:
        raise AssertionError("a build that was made before was made again")

    with Toolchain(gone) as chain:
        again, _ = tune(fix, Target(), chain, cache=cache, seconds=600.0)
    assert again == whole
    report = Report((replace(outcome.after, tune=whole.record),), tool={"name": "rkgraph", "version": "1"})
    assert report_to_json(report_from_json(report_to_json(report))) == report_to_json(report)


def test_candidates_that_wait_are_knobs_and_chosen_ones_go_into_the_plan(tmp_path: Path) -> None:
    """A rule whose card says `candidate = true` is tried by its code, and its fixes are approved one by one later."""
    (rule,) = (rule for rule in load_rules() if rule.code == "RK401")
    candidate = replace(rule, card=replace(rule.card, candidate=True))
    path = tmp_path / "model.onnx"
    path.write_bytes(parse("g (float[1, 8] x) => (float[1, 8] y) { i = Identity(x) y = Relu(i) }").SerializeToString())

    def run(choices: Choices) -> FixOutcome:
        settings = FixSettings(choices=choices, rules=[candidate])
        return fix_model(
            Model.load(path), Target(), load_ruleset("rknn-2.3.2"), Options(), proof="local", settings=settings
        )

    (knob, _) = knobs_of(run(Choices()))
    chosen = knob.values[0](Setting())
    assert chosen == Setting(candidates=frozenset({"RK401"}))
    made = run(Choices(candidates=chosen.candidates))
    assert [fix.allowed_by for fix in made.fixes.applied] == ["--tune"]
    plan = PlanFile(fixes=entries_of(made.fixes, {}))
    again = run(plan.choices)
    assert len(again.fixes.applied) == 1
    assert again.model.proto(weights=True) == made.model.proto(weights=True)
