from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rkgraph.diagnostics import Safety, Verdict
from rkgraph.engine.fix import FixSettings
from rkgraph.errors import UsageError
from rkgraph.graph.rewrite import Between, Tolerance
from rkgraph.proof.whole_tolerance import HALVES, whole_model_tolerance
from rkgraph.rulebook.rule import Options
from tests.engine.fixing import fix_text, operators, rule_for, run
from tests.rules.harness import parse, view_of

RELU = "g (float[1, 8] x) => (float[1, 8] y) { a = Relu(x) y = Neg(a) }"
CHAIN = """g (float[n, 6] x) => (float[m, 3, 2] y)
<int64 first = {0}, int64[1] axis = {0}, int64[2] rest = {3, 2}>
{
    shape = Shape(x)
    rows = Gather(shape, first)
    size = Unsqueeze(rows, axis)
    target = Concat<axis = 0>(size, rest)
    kept = Identity(x)
    y = Reshape(kept, target)
}"""


def settings(tmp_path: Path, *rules: object, **more: object) -> FixSettings:
    return FixSettings(counterexamples=tmp_path / "wrong", rules=rules, **more)  # type: ignore[arg-type]


def test_a_dynamic_model_is_pinned_folded_and_cleaned(tmp_path: Path) -> None:
    outcome = fix_text(CHAIN, tmp_path, options=Options(shapes={"x": (4, 6)}))
    assert outcome.before.verdict is Verdict.BUILD_FAILS
    assert not [d for d in outcome.after.diagnostics if d.code in ("RK301", "RK303", "RK401")]
    assert operators(outcome) == ["Reshape"]
    assert outcome.model.view().main.value("y").shape == (4, 3, 2)
    x = np.arange(24, dtype=np.float32).reshape(4, 6)
    np.testing.assert_array_equal(run(outcome, {"x": x})["y"], x.reshape(4, 3, 2))


def test_every_fix_says_who_allowed_it_and_how_it_is_proved(tmp_path: Path) -> None:
    outcome = fix_text(CHAIN, tmp_path, options=Options(dims={"n": 4}))
    ids = {proof.id for proof in outcome.proofs}
    assert {fix.code: fix.allowed_by for fix in outcome.fixes.applied} == {
        "RK301": "--dim n=4",
        "RK303": "default",
        "RK401": "default",
    }
    assert all(fix.proofs and set(fix.proofs) <= ids for fix in outcome.fixes.applied)
    assert {(p.kind, p.outcome) for p in outcome.proofs} == {
        ("structure", "proved"),
        ("local", "proved"),
        ("model", "proved"),
    }
    assert outcome.after.fixes == outcome.fixes
    assert outcome.after.proofs == outcome.proofs


def test_without_a_shape_the_refusal_names_the_option(tmp_path: Path) -> None:
    outcome = fix_text(CHAIN, tmp_path, "RK301")
    (refused,) = outcome.fixes.refused
    assert refused.needs == "--shape x=1x6"
    assert not outcome.fixes.applied


def test_a_wrong_rewrite_is_refuted_taken_back_and_its_inputs_saved(tmp_path: Path) -> None:
    wrong = rule_for("Relu", lambda tape, inputs: tape.op("Abs", *inputs))
    outcome = fix_text(RELU, tmp_path, settings=settings(tmp_path, wrong))
    assert operators(outcome) == ["Relu", "Neg"]
    assert not outcome.fixes.applied
    assert "its proof refuted it" in outcome.fixes.refused[0].reason
    (diagnostic,) = [d for d in outcome.after.diagnostics if d.code == "RK991"]
    assert diagnostic.at.node == outcome.model.view().main.nodes[0].label
    assert outcome.is_refuted
    assert not outcome.is_wrong
    with np.load(str(diagnostic.observed["counterexample"])) as saved:
        x = saved["x"]
    assert (np.maximum(x, 0) != np.abs(x)).any()


def test_a_right_rewrite_beside_a_wrong_one_stays(tmp_path: Path) -> None:
    wrong = rule_for("Relu", lambda tape, inputs: tape.op("Abs", *inputs), code="RK801")
    right = rule_for(
        "Neg", lambda tape, inputs: tape.op("Mul", inputs[0], tape.constant(-1.0, "float32")), code="RK802"
    )
    outcome = fix_text(
        "g (float[1, 8] x) => (float[1, 8] y, float[1, 8] z) { a = Relu(x) y = Abs(a) b = Neg(x) z = Floor(b) }",
        tmp_path,
        settings=settings(tmp_path, wrong, right),
    )
    assert [fix.code for fix in outcome.fixes.applied] == ["RK802"]
    assert sorted(operators(outcome)) == ["Abs", "Floor", "Mul", "Relu"]


def test_the_tolerance_is_held(tmp_path: Path) -> None:
    near = rule_for(
        "Relu",
        lambda tape, inputs: tape.op("Mul", tape.op("Relu", *inputs), tape.constant(1.001, "float32")),
        tolerance=Tolerance(0.0, 1e-4),
    )
    assert fix_text(RELU, tmp_path, settings=settings(tmp_path, near)).is_refuted


def test_rules_that_undo_each_other_are_named(tmp_path: Path) -> None:
    near = Tolerance(0.0, 1e-6)
    there = rule_for(
        "Relu", lambda tape, inputs: tape.op("Max", inputs[0], tape.constant(0.0, "float32")), tolerance=near
    )
    back = rule_for("Max", lambda tape, inputs: tape.op("Relu", inputs[0]), code="RK802", tolerance=near)
    outcome = fix_text(RELU, tmp_path, settings=settings(tmp_path, there, back))
    assert any("RK801 and RK802 undo each other" in r.reason for r in outcome.fixes.refused)
    assert len(outcome.fixes.applied) == 2


def test_a_class_that_is_not_allowed_is_refused_with_the_option(tmp_path: Path) -> None:
    rule = rule_for("Relu", lambda tape, inputs: tape.op("Relu", *inputs), safety=Safety.APPROXIMATE)
    refused = fix_text(RELU, tmp_path, settings=settings(tmp_path, rule))
    assert refused.fixes.refused[0].needs == "--allow approximate"
    assert not refused.fixes.applied


def test_manual_fixes_are_never_applied(tmp_path: Path) -> None:
    rule = rule_for("Relu", lambda tape, inputs: tape.op("Relu", *inputs), safety=Safety.MANUAL)
    assert not fix_text(RELU, tmp_path, settings=settings(tmp_path, rule), allow=frozenset(Safety)).fixes.applied


def test_an_assumption_about_an_input_needs_the_users_word(tmp_path: Path) -> None:
    rule = rule_for(
        "Relu", lambda _tape, inputs: inputs[0], assumes={"x": Between(0.0, 1.0)}
    )  # right only for what is not negative
    without = fix_text(RELU, tmp_path, settings=settings(tmp_path, rule))
    assert without.fixes.refused[0].needs == "--assume x=0..1"
    with_it = fix_text(RELU, tmp_path, settings=settings(tmp_path, rule, assumptions={"x": Between(0.0, 1.0)}))
    (applied,) = with_it.fixes.applied
    assert applied.allowed_by == "default, --assume x=0..1"
    assert {p.kind for p in with_it.proofs} == {"range", "local", "structure", "model"}


def test_an_assumption_that_the_graph_proves_needs_nobody(tmp_path: Path) -> None:
    rule = rule_for("Relu", lambda _tape, inputs: inputs[0], assumes={"s": Between(0.0, 1.0)})
    outcome = fix_text(
        "g (bool[1, 8] x) => (float[1, 8] y) { s = Cast<to = 1>(x) a = Relu(s) y = Neg(a) }",
        tmp_path,
        settings=settings(tmp_path, rule),
    )
    assert [fix.allowed_by for fix in outcome.fixes.applied] == ["default"]
    assert operators(outcome) == ["Cast", "Neg"]


def test_a_safe_rewrite_for_some_inputs_only_is_not_applied(tmp_path: Path) -> None:
    rule = rule_for("Relu", lambda _tape, inputs: inputs[0], within={"x": Between(0.0, 1.0)})
    outcome = fix_text(RELU, tmp_path, settings=settings(tmp_path, rule))
    assert "claims to be safe" in outcome.fixes.refused[0].reason


def test_a_rewrite_may_rest_on_what_lies_in_front_of_it(tmp_path: Path) -> None:
    """Relu of an Abs changes nothing; random values in the place of the Abs would refute that."""
    rule = rule_for("Relu", lambda _tape, inputs: inputs[0])
    outcome = fix_text(
        "g (float[1, 8] x) => (float[1, 8] y) { s = Abs(x) a = Relu(s) y = Neg(a) }",
        tmp_path,
        settings=settings(tmp_path, rule),
    )
    assert [fix.code for fix in outcome.fixes.applied] == ["RK801"]


def test_frozen_inputs_are_constants(tmp_path: Path) -> None:
    text = "g (float[1, 4] x, float[1, 4] bias) => (float[1, 4] y) { y = Add(x, bias) }"
    bias = np.full((1, 4), 2.0, np.float32)
    outcome = fix_text(text, tmp_path, options=Options(frozen={"bias": bias}))
    assert outcome.model.view().main.inputs == ("x",)
    assert outcome.fixes.applied[0].safety is Safety.INTERFACE
    assert outcome.fixes.applied[0].allowed_by == "--freeze bias"
    assert [p.outcome for p in outcome.proofs if p.kind == "model"] == ["proved"]


@pytest.mark.parametrize("number", [np.array(2), np.array(2.0), np.array(2, np.float32)], ids=str)
@pytest.mark.parametrize("dims", [{}, {"n": 3}], ids=str)
def test_a_number_fills_its_input_and_the_whole_is_proved(
    number: np.ndarray, dims: dict[str, int], tmp_path: Path
) -> None:
    size = "n" if dims else "4"
    text = f"g (float[1, {size}] x, float[1, {size}] bias) => (float[1, {size}] y) {{ y = Add(x, bias) }}"
    outcome = fix_text(text, tmp_path, options=Options(dims=dims, frozen={"bias": number}))
    assert outcome.model.view().main.value("x").shape == (1, dims.get("n", 4))
    assert [p.outcome for p in outcome.proofs if p.kind == "model"] == ["proved"]


def test_a_number_cannot_fill_a_dynamic_input(tmp_path: Path) -> None:
    text = "g (float[1, n] x, float[1, n] bias) => (float[1, n] y) { y = Add(x, bias) }"
    with pytest.raises(UsageError, match="dynamic"):
        fix_text(text, tmp_path, options=Options(frozen={"bias": np.array(2.0)}))


@pytest.mark.parametrize(
    "options",
    [
        Options(shapes={"nobody": (1, 6)}),
        Options(shapes={"x": (1, 7)}),
        Options(shapes={"x": (1, 2, 3)}),
        Options(dims={"q": 1}),
        Options(frozen={"nobody": np.zeros(1, np.float32)}),
    ],
)
def test_options_that_do_not_fit_the_model_are_errors(options: Options, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        fix_text(CHAIN, tmp_path, options=options)


def test_a_second_run_has_nothing_to_do(tmp_path: Path) -> None:
    once = fix_text(CHAIN, tmp_path, options=Options(dims={"n": 4}))
    twice = fix_text(once.model.proto(weights=True), tmp_path, "RK3", "RK4")
    assert not twice.fixes.applied
    assert not twice.proofs


SHARED = """g (float[n, 6] x) => (float[n, 12] y) {
    wide = Transpose<perm = [0, 1]>(x)
    s = Shape(wide)
    one = Expand(x, s)
    t = Shape(wide)
    two = Expand(x, t)
    y = Concat<axis = 1>(one, two)
}"""


def test_a_value_that_only_two_rewrites_together_make_needless(tmp_path: Path) -> None:
    outcome = fix_text(SHARED, tmp_path, "RK301", "RK303", options=Options(shapes={"x": (4, 6)}))
    assert [fix.code for fix in outcome.fixes.applied] == ["RK301", "RK303", "RK303"]
    assert not outcome.is_refuted
    assert operators(outcome) == ["Expand", "Expand", "Concat"]


def test_a_rewrite_whose_result_the_others_make_needless_is_proved_alone(tmp_path: Path) -> None:
    text = "g (float[2] x) => (int64[1] y, int64[1] z) { a = Relu(x) y = Shape(a) z = Shape(a) }"
    relu = rule_for("Relu", lambda tape, inputs: tape.op("Relu", *inputs))
    shape = rule_for("Shape", lambda tape, _: tape.constant([2], "int64"), code="RK802")
    outcome = fix_text(text, tmp_path, settings=settings(tmp_path, relu, shape), proof="local")
    assert sorted(fix.code for fix in outcome.fixes.applied) == ["RK801", "RK802", "RK802"]


def test_what_cannot_be_cut_out_for_its_proof_is_left_alone(tmp_path: Path) -> None:
    model = parse(RELU)
    model.graph.node[0].domain = "elsewhere"
    model.opset_import.add(domain="elsewhere", version=1)
    rule = rule_for("Neg", lambda tape, inputs: tape.op("Neg", *inputs))
    outcome = fix_text(model, tmp_path, settings=settings(tmp_path, rule), proof="local")
    assert not outcome.fixes.applied
    assert "dtype of 'a' is not known" in outcome.fixes.refused[0].reason


@pytest.mark.parametrize(("dtype", "norm"), [("float16", HALVES), ("float32", 0.0)])
def test_numbers_that_are_held_in_fp16_may_differ_by_its_spacing(dtype: str, norm: float) -> None:
    text = f"""<ir_version: 8, opset_import: ["" : 17]>
    agraph ({dtype.replace("32", "")}[4] x) => ({dtype.replace("32", "")}[4] y) {{ y = Relu(x) }}"""
    assert whole_model_tolerance((), view_of(text).main).norm == norm
