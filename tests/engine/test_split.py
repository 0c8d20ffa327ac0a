"""Splits: stages, where they are cut, what the report says of them, and that they recompose to the model."""

from __future__ import annotations

from pathlib import Path

import pytest

from rkgraph.diagnostics import Device, Safety, Verdict
from rkgraph.engine.fix import FixOutcome, FixSettings, fix_model
from rkgraph.graph.model import Model
from rkgraph.report.document import report_from_json, report_to_json
from rkgraph.results import Report
from rkgraph.rulebook.registry import load_rules
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import load_ruleset
from rkgraph.targets import Target
from tests.rules.harness import parse

W = "float[8, 8] w = {" + ", ".join(str((7 * i) % 11 / 8 - 0.6) for i in range(64)) + "}"


def fix(text: str, folder: Path, *, allow: bool = True, whole: bool = False, leave_out: str = "") -> FixOutcome:
    """The model of `text` fixed; `leave_out` is a rule that is not asked, so that what it lowers has to leave."""
    path = folder / "model.onnx"
    path.write_bytes(parse(text).SerializeToString())
    allowed = frozenset({Safety.SPLIT}) if allow else frozenset()
    rules = [rule for rule in load_rules() if rule.code != leave_out]
    settings = FixSettings(whole=whole, rules=rules)
    return fix_model(Model.load(path), Target(), load_ruleset("rknn-2.3.2"), Options(), allowed, settings=settings)


def shape(outcome: FixOutcome) -> list[tuple[str, list[str], list[str], list[str]]]:
    """Name, operators, inputs and outputs of each stage."""
    return [
        (
            stage.name,
            [node.op_type for node in stage.model.proto(weights=False).graph.node],
            [tensor.name for tensor in stage.inputs],
            [tensor.name for tensor in stage.outputs],
        )
        for stage in outcome.stages
    ]


HEAD = f"""agraph (float[8, 8] x) => (int64[2, n] y) <{W}> {{
    product = MatMul(x, w) positive = Relu(product) y = NonZero(positive) }}"""


def test_a_head_is_cut_off_and_proved(tmp_path: Path) -> None:
    outcome = fix(HEAD, tmp_path)
    assert shape(outcome) == [
        ("1-npu", ["MatMul", "Relu"], ["x"], ["positive"]),
        ("2-host", ["NonZero"], ["positive"], ["y"]),
    ]
    assert outcome.before.verdict is Verdict.BUILD_FAILS
    assert outcome.after.verdict is Verdict.DEPLOYABLE
    (applied,) = [fix for fix in outcome.fixes.applied if fix.code == "RK601"]
    assert applied.allowed_by == "--allow split"
    assert "1 value crosses, 0.2 KB" in applied.detail
    (proof,) = [proof for proof in outcome.proofs if proof.kind == "split"]
    assert proof.outcome == "proved"
    assert proof.cases == 3
    assert applied.proofs == (proof.id,)


def test_the_report_tells_the_stages(tmp_path: Path) -> None:
    after = fix(HEAD, tmp_path).after
    assert [(stage.name, stage.kind, stage.file) for stage in after.stages or ()] == [
        ("1-npu", "rknn", "1-npu.onnx"),
        ("2-host", "onnx", "2-host.onnx"),
    ]
    devices = {node.op: node.device for node in after.placement}
    assert devices["NonZero"] is Device.HOST
    assert devices["MatMul"] is Device.NPU
    assert not [d for d in after.diagnostics if d.at.op == "NonZero"]
    report = Report((after,), {}, {"name": "rkgraph", "version": "0"})
    assert report_from_json(report_to_json(report)).results[0].stages == after.stages


def test_nothing_is_cut_unasked(tmp_path: Path) -> None:
    outcome = fix(HEAD, tmp_path, allow=False)
    assert outcome.stages == ()
    assert [(r.code, r.needs) for r in outcome.fixes.refused if r.code == "RK601"] == [("RK601", "--allow split")]


def test_a_model_without_work_for_the_npu_is_host_only(tmp_path: Path) -> None:
    text = "agraph (float[4, 4] x) => (int64[2, n] y) { h = Det(x) s = NonZero(x) y = Identity(s) }"
    outcome = fix(text, tmp_path)
    assert outcome.stages == ()
    assert outcome.after.verdict is Verdict.BUILD_FAILS


def test_an_operator_in_the_middle(tmp_path: Path) -> None:
    """Behind it there is so much work that a second model for the NPU pays."""
    size = 768
    text = f"""agraph (float[{size}, {size}] x) => (float[{size}, {size}] y) {{
        a = MatMul(x, x) b = MatMul(a, a) c = Asinh(b) d = MatMul(c, c) e = MatMul(d, d) y = Relu(e) }}"""
    outcome = fix(text, tmp_path, leave_out="RK125")
    assert [name for name, *_ in shape(outcome)] == ["1-npu", "2-host", "3-npu"]
    assert [ops for _, ops, *_ in shape(outcome)][1] == ["Asinh"]


def test_strings_stay_on_the_host(tmp_path: Path) -> None:
    text = f"""agraph (string[8] words, float[8, 8] x) => (float[8, 8] y, string[8] lower) <{W}> {{
        lower = StringNormalizer<case_change_action = "LOWER", locale = "C">(words)
        product = MatMul(x, w) y = Relu(product) }}"""
    outcome = fix(text, tmp_path)
    assert {(kind, *ops) for kind, ops, *_ in shape(outcome)} in (
        {("1-npu", "MatMul", "Relu"), ("2-host", "StringNormalizer")},
        {("1-host", "StringNormalizer"), ("2-npu", "MatMul", "Relu")},
    )
    (proof,) = [proof for proof in outcome.proofs if proof.kind == "split"]
    assert proof.outcome == "proved"


def test_sequences_come_out_of_a_bundle(tmp_path: Path) -> None:
    text = f"""agraph (float[8, 8] x) => (seq(float[4, 8]) y) <{W}, int64 four = {{4}}> {{
        product = MatMul(x, w) y = SplitToSequence<axis = 0>(product, four) }}"""
    outcome = fix(text, tmp_path)
    assert [ops for _, ops, *_ in shape(outcome)] == [["MatMul"], ["SplitToSequence"]]
    (proof,) = [proof for proof in outcome.proofs if proof.kind == "split"]
    assert proof.outcome == "proved"


def test_a_cast_at_the_border_is_done_by_the_host(tmp_path: Path) -> None:
    text = f"""agraph (float[8, 8] x) => (float[8, 8] y) <{W}, int64[1] axes = {{0}}> {{
        product = MatMul(x, w) values, indices, inverse, counts = Unique(product)
        places = Reshape(inverse, size) whole = Cast<to = 1>(places)
        a = MatMul(whole, w) b = MatMul(a, w) y = Add(b, product) }}""".replace(
        "axes = {0}", "axes = {0}, int64[2] size = {8, 8}"
    )
    outcome = fix(text, tmp_path)
    stages = shape(outcome)
    host = next(ops for name, ops, *_ in stages if name.endswith("host"))
    assert host[-1] == "Cast"
    assert outcome.after.verdict is Verdict.DEPLOYABLE


def test_constants_go_with_their_readers_and_outputs_may_be_inputs_of_later_stages(tmp_path: Path) -> None:
    text = f"""agraph (float[8, 8] x) => (float[8, 8] product, int64[2, n] y) <{W}> {{
        turned = Transpose(w) product = MatMul(x, turned) h = MatMul(product, turned) y = NonZero(h) }}"""
    (npu, host) = shape(fix(text, tmp_path))
    assert sorted(npu[3]) == ["h", "product"]
    assert host[1:] == (["NonZero"], ["h"], ["y"])


@pytest.mark.parametrize("whole", [True, False])
def test_idempotent(tmp_path: Path, whole: bool) -> None:
    outcome = fix(HEAD, tmp_path, whole=whole)
    outcome.stages[0].model.save(tmp_path / "npu.onnx", "inline")
    again = fix_model(
        Model.load(tmp_path / "npu.onnx"), Target(), load_ruleset("rknn-2.3.2"), Options(), frozenset({Safety.SPLIT})
    )
    assert again.stages == ()
    assert again.fixes.applied == ()
