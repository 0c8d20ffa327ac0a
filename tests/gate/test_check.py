"""The gate closes where it must: beyond a bound, without a number, worse than before."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkgraph.diagnostics import Device, Safety, Severity, Suppressed, Verdict
from rkgraph.gate.check import State, check
from rkgraph.gate.measures import MEASURES
from rkgraph.gate.policy import Policy, parse_policy
from rkgraph.results import AppliedFix, Fixes, ModelInfo, Proof, Result
from rkgraph.targets import Target
from tests.gate.samples import compiled, finding, placed, result, told


def states(policy: str, *results: Result, before: tuple[Result, ...] | None = None) -> dict[str, str]:
    old = None if before is None else told(*before)
    rows = check(told(*results), parse_policy(policy, "gate.toml"), old).rows
    return {row.name if row.against == "budget" else f"{row.name} before": row.state.value for row in rows}


@pytest.mark.parametrize(
    ("budget", "good"),
    [
        *(('verdict = "deployable"', True), ("no-kernel = 0", True), ("cpu-nodes = 1", True), ("cpu_nodes = 0", False)),
        *(("crossings = 2", True), ("crossings = 1", False), ("crossing-bytes = 64", True), ('traffic = "8 kB"', True)),
        *(
            ('traffic = "7.9 kB"', False),
            ("unknown-share = 0", True),
            ("cycles = 499", False),
            ("host-nodes = 0", True),
        ),
        *(("macs = 1000", True), ("weights = 4096", True), ("internal = 2047", False), ("layers = 5", True)),
        *(("findings = { error = 0 }", True), ("findings = { RK1 = 0 }", False), ("findings.RK104 = 1", True)),
        ("findings = { warning = 0 }", False),
    ],
)
def test_budgets_have_two_sides(budget: str, good: bool) -> None:
    (state,) = states(f"[budget]\n{budget}", result(diagnostics=(finding(),))).values()
    assert state == ("pass" if good else "fail")


def test_the_worst_verdict_that_passes() -> None:
    policy = '[budget]\nverdict = "no-board-kernel"'
    for verdict, state in ((Verdict.UNKNOWN, "pass"), (Verdict.NO_BOARD_KERNEL, "pass"), (Verdict.BUILD_FAILS, "fail")):
        assert states(policy, result(verdict=verdict)) == {"verdict": state}


@pytest.mark.parametrize("name", [n for n in MEASURES if MEASURES[n].compiled or MEASURES[n].estimated])
def test_a_number_that_is_not_there_fails_unless_it_is_optional(name: str) -> None:
    empty = result(cost={}, placement=())
    end = "least" if name == "cosine" else "most"
    if name == "macs":
        empty = result(cost={"estimate": {**empty.cost, "macs": None}})
    assert states(f"[budget]\n{name} = {{ {end} = 1 }}", empty) == {name: "missing"}
    assert states(f"[budget]\n{name} = {{ {end} = 1, optional = true }}", empty) == {name: "skipped"}
    assert not check(told(empty), parse_policy(f"[budget]\n{name} = 1", "gate.toml")).passed


def test_a_model_that_could_not_be_read_fails_every_budget() -> None:
    unread = Result(ModelInfo("a.onnx"), Target(), error="a.onnx: is no model")
    assert set(states('[budget]\nverdict = "build-fails"\nfindings = { error = 9 }', unread).values()) == {"missing"}
    assert not check(told(unread), Policy()).passed


def test_proofs_count_where_something_was_fixed() -> None:
    policy = "[budget]\nproofs-skipped = 0\nproofs-refuted = 0"
    assert set(states(policy, result()).values()) == {"missing"}
    skipped = Proof("p", "local", "skipped", "s", "m")
    fixes = Fixes((AppliedFix("RK101", "t", Safety.SAFE, finding().at, "default"),))
    fixed = result(fixes=fixes, proofs=(skipped,))
    assert states(policy, fixed) == {"proofs-skipped": "fail", "proofs-refuted": "pass"}


def test_findings_that_somebody_accepted_do_not_count() -> None:
    accepted = finding(severity=Severity.ERROR, suppressed=Suppressed("known", "rkgraph.toml:3"))
    assert states("[budget]\nfindings = { error = 0 }", result(diagnostics=(accepted,))) == {"findings.error": "pass"}


def test_the_compiler_is_believed_before_the_estimate() -> None:
    policy = "[budget]\ncpu-nodes = 0\ncrossings = 0\ncycles = 300\ntraffic = 4096\nsize = 5000\ncosine = 0.999"
    assert set(states(policy, result(), compiled()).values()) == {"pass"}
    assert states("[budget]\ncycles = 299", compiled()) == {"cycles": "fail"}


def test_measured_wants_the_compilers_number() -> None:
    policy = "[budget]\ncycles = { most = 1000, measured = true }"
    assert states(policy, result()) == {"cycles": "missing"}
    assert states(policy, compiled()) == {"cycles": "pass"}


def test_an_output_that_does_not_compare_is_no_likeness() -> None:
    assert states("[budget]\ncosine = 0", compiled(cosine=None)) == {"cosine": "fail"}
    assert states("[budget]\ncosine = 0.5", compiled(cosine=float("nan"))) == {"cosine": "fail"}


def test_sections_count_for_what_they_match_and_the_last_one_most() -> None:
    policy = """
[budget]
cpu-nodes = 0
[[model]]
match = "a*.onnx"
budget = { cpu-nodes = 1 }
[[model]]
match = "models/*"
target = "rk3576"
budget = { cpu-nodes = 0 }
"""
    assert states(policy, result()) == {"cpu-nodes": "pass"}
    assert states(policy, result("models/b.onnx")) == {"cpu-nodes": "fail"}
    assert states(policy, result(target=Target("rk3576"))) == {"cpu-nodes": "fail"}


def test_the_ratchet_lets_nothing_get_worse() -> None:
    policy = "[ratchet]\ntolerance = 0.1\nnumbers = ['cpu-nodes', 'traffic', 'verdict']"
    worse = result(placement=placed(Device.CPU, Device.CPU), verdict=Verdict.UNKNOWN)
    found = states(policy, worse, before=(result(),))
    assert found == {"cpu-nodes before": "fail", "traffic before": "pass", "verdict before": "fail"}
    assert set(states(policy, result(), before=(worse,)).values()) == {"pass"}


@given(old=st.integers(0, 10**9), new=st.integers(0, 10**9), percent=st.integers(0, 50))
def test_the_tolerance_is_a_part_of_the_old_number(old: int, new: int, percent: int) -> None:
    def cost(cycles: int) -> dict[str, Any]:
        return {"estimate": {**result().cost["estimate"], "cycles": cycles}}

    policy = f"[ratchet]\ntolerance = {percent / 100}\nnumbers = ['cycles']"
    (state,) = states(policy, result(cost=cost(new)), before=(result(cost=cost(old)),)).values()
    assert (state == "pass") == (100 * new <= (100 + percent) * old)


def test_the_ratchet_compares_what_comes_from_one_source() -> None:
    policy = "[ratchet]\nnumbers = ['traffic', 'size', 'cosine']"
    assert states(policy, result(), before=(compiled(),)) == {
        "traffic before": "pass",  # both have the estimate
        "size before": "missing",
        "cosine before": "missing",
    }
    better = compiled(cosine=0.99999)
    assert states(policy, better, before=(compiled(),)).pop("cosine before") == "pass"
    assert states(policy, compiled(), before=(better,)).pop("cosine before") == "fail"


def test_new_and_missing_models_and_unused_sections_are_told() -> None:
    policy = parse_policy("[budget]\nno-kernel = 0\n[[model]]\nmatch = 'gone*'\nbudget = { size = 1 }", "gate.toml")
    found = check(told(result("new.onnx")), policy, told(result("old.onnx")))
    assert found.passed
    said = "\n".join(found.notes)
    assert "new.onnx on rk3588/2.3.2/fp16: is new" in said
    assert "old.onnx on rk3588/2.3.2/fp16: was there before" in said
    assert "'gone*' covers no report" in said
    (note,) = check(told(result()), Policy()).notes
    assert "no budget covers it" in note


def test_what_several_reports_say_of_a_model_is_one_story() -> None:
    found = told(result("./models//a.onnx"), result("b.onnx"), compiled("models/a.onnx"))
    assert [subject.path for subject in found] == ["models/a.onnx", "b.onnx"]
    assert found[0].story.compile is not None


def test_state_says_what_closes_the_gate() -> None:
    assert [state.bad for state in State] == [False, True, True, False]
