"""Prediction against truth: verdicts, devices, and what becomes of lint's own findings."""

from __future__ import annotations

from pathlib import Path

import pytest

from rkgraph.diagnostics import Device, Severity, Verdict
from rkgraph.graph.load import read_view
from rkgraph.oracle.truth import Truth
from rkgraph.oracle.verify import Verified, reconcile, verify
from rkgraph.report.document import report_to_json
from rkgraph.results import Report
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import load_ruleset
from rkgraph.targets import Target
from rkgraph.toolkit.jobs import Outcome
from tests.builders import saved, text_model
from tests.compile.conftest import recorded_model, replaying
from tests.oracle.chains import layer_table
from tests.report.validate import check_report
from tests.rulebook.builders import op, table

RULES = load_ruleset("rknn-2.3.2")
TABLE = table(op("Relu", "npu"), op("Trilu", "no-kernel"))
RELU = "g (float[1,8] x) => (float[1,8] y) { [act] y = Relu(x) }"
TRILU = "g (float[1,3,8,8] x) => (float[1,3,8,8] z) { [tri] z = Trilu(x) }"
NO_KERNEL = "E RKNN: [00:00:00.000] No lowering found for: {}, node type = {}, use CustomOperatorLower instead.\n"


def judged(text: str, truth: Truth, folder: Path) -> Verified:
    view = read_view(saved(text_model(text), folder))
    return reconcile(view, Target(), RULES, truth, options=Options(), table=TABLE)


def codes(verified: Verified) -> list[tuple[str, Severity]]:
    return [(d.code, d.severity) for d in verified.result.diagnostics]


def test_where_both_agree_nothing_is_said(tmp_path: Path) -> None:
    done = judged(RELU, Truth("ok", log=layer_table(("Relu", "NPU", "act"))), tmp_path)
    assert done.predicted.verdict is done.result.verdict is Verdict.DEPLOYABLE
    assert not done.mismatches
    assert not done.result.diagnostics
    assert dict(done.result.compile or {})["stages"][0]["agreement"]["agree"] == 1


@pytest.mark.parametrize(
    ("target", "predicted", "severity"), [("CPU", Device.NPU, Severity.WARNING), ("GPU", Device.NPU, None)]
)
def test_a_node_that_runs_elsewhere(target: str, predicted: Device, severity: Severity | None, tmp_path: Path) -> None:
    done = judged(RELU, Truth("ok", log=layer_table(("Relu", target, "act"))), tmp_path)
    assert codes(done) == ([("RK981", severity)] if severity else [])  # a device that is not known is no mismatch
    assert [(m.predicted, m.real) for m in done.mismatches] == ([(predicted, Device.CPU)] if severity else [])


def test_a_kernel_that_nobody_expected_to_miss(tmp_path: Path) -> None:
    truth = Truth("ok", log=layer_table(("Relu", "CPU", "act")) + NO_KERNEL.format("act", "Relu"))
    done = judged(RELU, truth, tmp_path)
    assert done.result.verdict is Verdict.NO_BOARD_KERNEL
    told = {d.code: d for d in done.result.diagnostics}
    assert told["RK980"].message == "predicted deployable, the compiler says no-board-kernel: no kernel for Relu"
    assert told["RK981"].observed == {"predicted": "npu", "real": "no-kernel"}
    assert all(told[code].severity is Severity.ERROR for code in ("RK980", "RK981", "RK920"))


def test_what_the_compiler_refutes_becomes_a_note(tmp_path: Path) -> None:
    done = judged(TRILU, Truth("ok", log=layer_table(("Trilu", "CPU", "tri"))), tmp_path)
    assert done.predicted.verdict is Verdict.NO_BOARD_KERNEL
    assert done.result.verdict is Verdict.DEPLOYABLE
    told = {d.code: d for d in done.result.diagnostics}
    assert told["RK101"].severity is Severity.NOTE
    assert told["RK101"].message.endswith("(refuted: it is on the CPU)")
    assert told["RK980"].severity is Severity.WARNING


def test_what_the_compiler_confirms_stays_an_error(tmp_path: Path) -> None:
    truth = Truth("ok", log=layer_table(("Trilu", "CPU", "tri")) + NO_KERNEL.format("tri", "Trilu"))
    done = judged(TRILU, truth, tmp_path)
    told = {d.code: d for d in done.result.diagnostics}
    assert told["RK101"].severity is Severity.ERROR
    assert "refuted" not in told["RK101"].message
    assert "RK980" not in told
    assert not done.mismatches


@pytest.mark.parametrize(("outcome", "stage"), [("load-failed", "load"), ("build-failed", "build"), ("died", "build")])
def test_a_build_that_fails_is_an_answer(outcome: Outcome, stage: str, tmp_path: Path) -> None:
    truth = Truth(outcome, stage, "KeyError: 'act'", log="E build: KeyError: 'act'\n")
    done = judged(RELU, truth, tmp_path)
    assert done.result.verdict is Verdict.BUILD_FAILS
    assert done.cut_short is None
    (told,) = [d for d in done.result.diagnostics if d.code == "RK980"]
    assert told.at.node == "act"
    assert told.message == "predicted deployable, the compiler says build-fails: KeyError: 'act'"
    assert "KeyError: 'act'" in dict(done.result.compile or {})["error"]


def test_a_build_that_is_cut_short_leaves_the_prediction(tmp_path: Path) -> None:
    done = judged(RELU, Truth("timed-out", "build"), tmp_path)
    assert done.result.verdict is Verdict.DEPLOYABLE
    assert [d.code for d in done.result.diagnostics] == ["RK904"]
    assert done.cut_short is not None
    assert "--timeout" in done.cut_short.hint


@pytest.mark.parametrize(
    ("session", "verdict"),
    [
        ("conv_rk3588_2.3.2", "deployable"),
        ("no_lowering_2.3.2", "no-board-kernel"),
        ("crash_2.3.2", "build-fails"),
        ("cpu_fallback_2.3.2", "deployable"),
    ],
)
def test_the_report_is_valid_and_the_same_each_time(session: str, verdict: str, tmp_path: Path) -> None:
    model = recorded_model(session, tmp_path)
    texts = []
    for _ in range(2):
        with replaying(session) as chain:
            done = verify(model, Target(), RULES, chain)
        texts.append(report_to_json(Report((done.result,), {}, {"name": "rkgraph", "version": "0"})))
    assert texts[0] == texts[1]
    (result,) = check_report(texts[0]).results
    assert result.verdict.value == verdict
    assert result.compile is not None
    assert result.compile["predicted_verdict"] == done.predicted.verdict.value
