from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnx
import pytest

from benchmarks.silent_wrong_laws import models
from benchmarks.silent_wrong_page import EXPLAINED
from rkgraph.analysis.wrong_numbers import TRIGGERS
from rkgraph.diagnostics import Severity
from rkgraph.probe.case import parse
from rkgraph.probe.evidence import models_of
from rkgraph.rulebook.right_forms import RIGHT_FORMS
from rkgraph.tables.wrong_numbers import wrong_numbers
from rkgraph.targets import Target
from tests.rules.harness import diagnostics, lint_text
from tests.rules.rewriting import fixed, run

CODE = "RK130"
MEASURED = Path(__file__).resolve().parents[2] / "benchmarks" / "silent_wrong_laws.jsonl"
WRONG = ("wrong", "slight")


@lru_cache(maxsize=1)
def measured() -> Mapping[tuple[str, str], Mapping[str, str]]:
    """What the simulator said of each model of each law, by target."""
    lines = [json.loads(line) for line in MEASURED.read_text(encoding="utf-8").splitlines()]
    return {(line["law"], line["case"]): line["numbers"] for line in lines}


@lru_cache(maxsize=1)
def sampled() -> Mapping[str, str]:
    """What the simulator said of cases of the probe, rk3588 with 2.3.2."""
    lines = (MEASURED.parent / "silent_wrong.jsonl").read_text(encoding="utf-8").splitlines()
    return {line["id"]: line["numbers"] for line in map(json.loads, lines)}


@lru_cache(maxsize=1)
def texts() -> Mapping[tuple[str, str], str]:
    return {(law, case): text for law, case, text in models()}


def model_of(law: str, case: str) -> onnx.ModelProto:
    return parse(texts()[law, case])


def told(law: str, case: str, target: Target) -> list[str]:
    """The laws that RK130 finds in a model."""
    return [str(each.observed["form"]) for each in diagnostics(model_of(law, case), CODE, target=target)]


@pytest.mark.parametrize("name", [law.name for law in wrong_numbers().values() if law.trigger])
def test_it_tells_what_came_out_wrong_and_nothing_else(name: str) -> None:
    """Every model of every law on every target: those that were simulated right are left alone."""
    checked = {"wrong": 0, "right": 0}
    for (law, case), numbers in measured().items():
        if law != name:
            continue
        for where, said in numbers.items():
            version, platform = where.split("/")
            if said == "none":
                continue
            expected = [name] if said in WRONG else []
            assert told(law, case, Target(platform, version)) == expected, f"{law}: {case} on {where}"
            checked["wrong" if said in WRONG else "right"] += 1
    assert min(checked.values()) > 5


@pytest.mark.parametrize("name", [law.name for law in wrong_numbers().values() if not law.trigger])
def test_what_other_rules_tell_they_do_tell(name: str) -> None:
    law = wrong_numbers()[name]
    wrong = [case for (of, case), numbers in measured().items() if of == name and numbers["2.3.2/rk3588"] in WRONG]
    assert wrong
    for case in wrong:
        assert diagnostics(model_of(name, case), law.told_by), f"{law.told_by} is silent on {case}"


@pytest.mark.parametrize("name", [law.name for law in wrong_numbers().values() if not law.trigger])
def test_other_rules_call_wrong_what_is_wrong(name: str) -> None:
    """By `numerics`; that says nothing of models that were simulated right."""
    for (law, case), numbers in measured().items():
        if law != name:
            continue
        for where, said in numbers.items():
            version, platform = where.split("/")
            if said != "none":
                found = diagnostics(
                    model_of(law, case), wrong_numbers()[name].told_by, target=Target(platform, version)
                )
                told = any(each.numerics == "wrong" for each in found)
                assert told == (said in WRONG), f"{law}: {case} on {where}"


def test_every_case_that_came_out_wrong_is_told() -> None:
    """Of the sample of the probe's cases; but for those whose reason is no law of the compiler."""
    cases, known = models_of(), {law.told_by for law in wrong_numbers().values()}
    wrong = [name for name, said in sampled().items() if said == "wrong" and not name.startswith(tuple(EXPLAINED))]
    assert len(wrong) > 20
    for name in wrong:
        codes = {each.code for each in lint_text(parse(cases[name].text)).diagnostics}
        assert codes & known, f"{name}: {codes}"


def test_few_cases_that_came_out_right_are_told() -> None:
    """RK130 is silent on what the simulator computed right: none of a few hundred cases of its operators."""
    cases, ops = models_of(), {op for law in wrong_numbers().values() if law.trigger for op in law.ops}
    right = [name for name, said in sampled().items() if said == "right" and name.partition("/")[0] in ops]
    told = {name for name in right if diagnostics(parse(cases[name].text), CODE)}
    assert len(right) > 300
    assert not told


def test_versions_are_those_that_were_measured() -> None:
    for law in wrong_numbers().values():
        seen = {
            where
            for (of, _), numbers in measured().items()
            if of == law.name
            for where, said in numbers.items()
            if said in WRONG
        }
        assert {where.split("/")[0] for where in seen if where.endswith("/rk3588")} == set(law.wrong), law.name
        assert {where.split("/")[1] for where in seen} == {*law.platforms, "rk3588"}, law.name
        assert not {*law.platforms, "rk3588"} & set(law.right_platforms)
        assert not set(law.right) & set(law.wrong)


def test_every_law_has_a_trigger_or_another_rule() -> None:
    for law in wrong_numbers().values():
        assert (law.told_by == CODE) == bool(law.trigger)
    assert {law.trigger for law in wrong_numbers().values()} - {""} == set(TRIGGERS)
    assert set(RIGHT_FORMS) <= {law.name for law in wrong_numbers().values() if law.trigger}


def cases_with_fix() -> list[tuple[str, str]]:
    return [
        (law, case)
        for (law, case), numbers in measured().items()
        if law in RIGHT_FORMS and numbers["2.3.2/rk3588"] in WRONG
    ]


@pytest.mark.parametrize(("law", "case"), cases_with_fix())
def test_the_right_form_is_the_same(law: str, case: str) -> None:
    before = model_of(law, case)
    after, _ = fixed(before, CODE)
    assert not diagnostics(after, CODE)
    random = np.random.default_rng(0)
    for scale in (1.0, 10.0):
        feeds = {}
        for value in before.graph.input:
            shape = [d.dim_value for d in value.type.tensor_type.shape.dim]
            dtype = onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
            feeds[value.name] = np.round(random.normal(size=shape) * scale * 4).astype(dtype) / (
                4 if dtype.kind == "f" else 1
            )
            feeds[value.name] = feeds[value.name].astype(dtype)
        for one, other in zip(run(before, feeds), run(after, feeds), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_a_factor_has_no_fix() -> None:
    (finding,) = diagnostics(model_of("factor-beyond-fp16", "Mul by 66000"), CODE)
    assert finding.severity is Severity.ERROR


def test_a_mask_is_a_note() -> None:
    (finding,) = diagnostics(model_of("mask-of-numbers", "4×20, mask 1×20 of int64"), CODE)
    assert finding.severity is Severity.NOTE
    assert "0 and 1" in finding.message


def test_what_a_caller_of_a_function_decides_is_not_judged() -> None:
    text = """<ir_version: 8, opset_import: ["" : 17, "f" : 1]>
    agraph (float[1, 4, 32, 32] x) => (float[1, 4, 24, 13] y) { y = f.Pool<window = [9, 9]>(x) }
    <domain: "f", opset_import: ["" : 17]>
    Pool<window>(a) => (b) { b = MaxPool<kernel_shape: ints = @window, strides = [1, 2]>(a) }"""
    assert diagnostics(text, CODE) == ()
