"""Negative controls of the fix loop: rewrites that are wrong in one way each, none of which may stay in the model."""

from __future__ import annotations

from pathlib import Path

import pytest

from rkgraph.diagnostics import Safety
from rkgraph.engine.fix import FixOutcome, FixSettings
from rkgraph.graph.rewrite import EXACT, Between, Tape, Tolerance
from rkgraph.report.html import render
from rkgraph.results import Report
from tests.engine.fixing import Write, fix_text, rule_for

LOOSE = Tolerance(1e-3, 1e-3)

GATHER = "g (int64[1, 8] i) => (float[1, 8] y) <float[8] t = {0, 1, 2, 3, 4, 5, 6, 7}> { a = Gather(t, i) y = Neg(a) }"
SUB = "g (float[1, 8] p, float[1, 8] q) => (float[1, 8] y) { a = Sub(p, q) y = Neg(a) }"
SOFTMAX = "g (float[1, 4, 4] x) => (float[1, 4, 4] y) { a = Softmax<axis = -1>(x) y = Neg(a) }"
RELU = "g (float[1, 8] x) => (float[1, 8] y) { a = Relu(x) y = Neg(a) }"
OPEN = "g (float[1, 8] x) => (float[1, n] y) { a = Relu(x) y = Neg(a) }"
MASK = "g (int64[1, 8] m) => (int64[1, 8] y) { a = Sign(m) y = Neg(a) }"
ROOT = "g (float[1, 8] x) => (float[1, 8] y) { l = Log(x) a = Relu(l) y = Neg(a) }"
NEVER = "g (float[1, 8] x) => (float[1, 8] y) <float n = {-1.0}> { l = Sqrt(n) s = Add(x, l) a = Relu(s) y = Neg(a) }"
FIXED = "g (float[4] x) => (float[4] y) <float[4] c = {1, 2, 3, 4}> { s = Abs(c) a = Relu(s) y = Add(a, x) }"
PICKS = "g (int64[16, 3] i) => (float[16] y) <float[1, 1, 2] t = {7, 8}> { a = GatherND(t, i) y = Neg(a) }"
SIGN = "g (float[1, 8] x) => (float[1, 8] y) { a = Sign(x) y = Neg(a) }"


def const(tape: Tape, number: float, dtype: str = "float32") -> str:
    return tape.constant(number, dtype)


def next_row(tape: Tape, inputs: tuple[str, ...]) -> str:
    after = tape.op("Mod", tape.op("Add", inputs[1], const(tape, 1, "int64")), const(tape, 8, "int64"))
    return tape.op("Gather", inputs[0], after)


def at_zero_only(tape: Tape, inputs: tuple[str, ...]) -> str:
    """Right but where the input is 0."""
    is_zero = tape.op("Equal", inputs[0], const(tape, 0.0))
    return tape.op("Where", is_zero, const(tape, 5.0), tape.op("Relu", *inputs))


def two_signs(tape: Tape, inputs: tuple[str, ...]) -> str:
    """Right but where the input is 0, where the original jumps."""
    return tape.op("Where", tape.op("Less", inputs[0], const(tape, 0.0)), const(tape, -1.0), const(tape, 1.0))


def without_nan(tape: Tape, inputs: tuple[str, ...]) -> str:
    return tape.op("Where", tape.op("IsNaN", *inputs), const(tape, 0.0), tape.op("Relu", *inputs))


def sevens(tape: Tape, _inputs: tuple[str, ...]) -> str:
    return tape.constant([7.0] * 16, "float32")


def of_shape_one(tape: Tape, inputs: tuple[str, ...]) -> str:
    return tape.op("Unsqueeze", tape.op("Relu", *inputs), tape.constant([0], "int64"))


WRONG: dict[str, tuple[str, str, Write]] = {
    "the next row": (GATHER, "Gather", next_row),
    "operands the wrong way round": (SUB, "Sub", lambda tape, i: tape.op("Sub", i[1], i[0])),
    "another axis": (SOFTMAX, "Softmax", lambda tape, i: tape.op("Softmax", i[0], axis=1)),
    "right for no more than one sign": (RELU, "Relu", lambda tape, i: tape.op("Abs", *i)),
    "right on zeros only": (RELU, "Relu", lambda tape, i: tape.op("Mul", i[0], const(tape, 0.0))),
    "wrong on zeros only": (RELU, "Relu", at_zero_only),
    "a constant": (RELU, "Relu", lambda tape, _: tape.constant([[0.0] * 8], "float32")),
    "another constant": (FIXED, "Relu", lambda tape, _: tape.constant([1.0, 2.0, 3.0, 5.0], "float32")),
    "the mean of all": (RELU, "Relu", lambda tape, i: tape.op("ReduceMean", tape.op("Relu", *i), keepdims=1)),
    "one element for all": (OPEN, "Relu", lambda tape, i: tape.op("ReduceMax", tape.op("Relu", *i), keepdims=1)),
    "another rank": (OPEN, "Relu", of_shape_one),
    "right for masks of 0 and 1": (MASK, "Sign", lambda tape, i: tape.op("Abs", tape.op("Mul", *i, *i))),
    "a wider dtype": (RELU, "Relu", lambda tape, i: tape.op("Cast", tape.op("Relu", *i), to=11)),
    "wrong where the original jumps": (SIGN, "Sign", two_signs),
    "unseen, for nearly all inputs are out of range": (PICKS, "GatherND", sevens),
    "unseen, for all is NaN": (NEVER, "Relu", lambda tape, i: tape.op("Abs", *i)),
}  # fmt: skip


def fixed(text: str, folder: Path, *rules: object, **more: object) -> FixOutcome:
    settings = FixSettings(counterexamples=folder / "wrong", rules=rules)  # type: ignore[arg-type]
    return fix_text(text, folder, settings=settings, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("tolerance", [EXACT, LOOSE], ids=["exact", "loose"])
@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_rewrite_is_taken_back(wrong: str, tolerance: Tolerance, tmp_path: Path) -> None:
    text, op, write = WRONG[wrong]
    outcome = fixed(text, tmp_path, rule_for(op, write, tolerance=tolerance), proof="local")
    assert not outcome.fixes.applied
    assert "taken back" in outcome.fixes.refused[0].reason


def test_an_exact_claim_holds_for_nan_too(tmp_path: Path) -> None:
    assert not fixed(ROOT, tmp_path, rule_for("Relu", without_nan), proof="local").fixes.applied


def test_a_claim_with_a_tolerance_says_that_it_met_finite_numbers_only(tmp_path: Path) -> None:
    right = rule_for("Relu", lambda tape, i: tape.op("Max", i[0], const(tape, 0.0)), tolerance=LOOSE)
    (local,) = [p for p in fixed(RELU, tmp_path, right).proofs if p.kind == "local"]
    assert local.method.endswith("finite and within fp16")


def test_right_rewrites_of_the_same_kind_stay(tmp_path: Path) -> None:
    """The control of the controls."""
    right = rule_for("Relu", lambda tape, i: tape.op("Max", i[0], const(tape, 0.0)), tolerance=LOOSE)
    assert [fix.code for fix in fixed(RELU, tmp_path, right).fixes.applied] == ["RK801"]


def test_a_range_that_is_assumed_and_not_proved_is_told(tmp_path: Path) -> None:
    bounded = rule_for(
        "Relu", lambda _tape, i: i[0], safety=Safety.FP16_RANGE, tolerance=LOOSE, within={"x": Between(0.0, 64.0)}
    )
    outcome = fixed(RELU, tmp_path, bounded, allow=frozenset({Safety.FP16_RANGE}), proof="local")
    (applied,) = outcome.fixes.applied
    assert applied.detail == "assumed, not proved: inputs in [0, 64]"
    assert [p.detail for p in outcome.proofs if p.kind == "local"] == ["assumed, not proved: x in [0, 64]"]
    assert applied.detail in render(Report((outcome.before, outcome.after)))


def test_a_range_that_the_graph_shows_is_not_assumed(tmp_path: Path) -> None:
    text = "g (bool[1, 8] m) => (float[1, 8] y) { x = Cast<to = 1>(m) a = Relu(x) y = Neg(a) }"
    bounded = rule_for("Relu", lambda _tape, i: i[0], safety=Safety.FP16_RANGE, within={"x": Between(0.0, 64.0)})
    outcome = fixed(text, tmp_path, bounded, allow=frozenset({Safety.FP16_RANGE}))
    assert [fix.detail for fix in outcome.fixes.applied] == [""]


def test_that_the_whole_model_was_not_compared_is_told(tmp_path: Path) -> None:
    right = rule_for("Relu", lambda tape, i: tape.op("Max", i[0], const(tape, 0.0)), tolerance=LOOSE)
    (whole,) = [p for p in fixed(RELU, tmp_path, right, proof="local").proofs if p.kind == "model"]
    assert (whole.outcome, whole.cases) == ("skipped", 0)
    assert "--proof local" in whole.detail


def test_a_model_too_large_to_be_compared_unasked_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rkgraph.engine.fix.LARGEST", 10)
    right = rule_for("Relu", lambda tape, i: tape.op("Max", i[0], const(tape, 0.0)), tolerance=LOOSE)
    (whole,) = [p for p in fixed(RELU, tmp_path, right).proofs if p.kind == "model"]
    assert whole.outcome == "skipped"
    assert "--proof model" in whole.detail
