from __future__ import annotations

from importlib import import_module

import onnx
import pytest
from onnxruntime.capi.onnxruntime_pybind11_state import get_all_operator_schema

from rkgraph.errors import UsageError
from rkgraph.rulebook.card import CardError
from rkgraph.rulebook.registry import MODULES, Rule, card_path, in_order, load_rules
from tests.rulebook.builders import rule


def test_all_rules_load_in_an_order_that_does_not_depend_on_the_list() -> None:
    rules = load_rules()
    assert sorted(r.card.stem for r in rules) == sorted(MODULES)
    assert load_rules(MODULES[::-1]) == rules
    assert load_rules(MODULES[1::2] + MODULES[::2]) == rules


def test_the_list_is_sorted() -> None:
    assert list(MODULES) == sorted(MODULES)


@pytest.mark.parametrize("rule", load_rules(), ids=lambda rule: rule.card.stem)
def test_a_module_has_a_fix_where_its_card_has_one(rule: Rule) -> None:
    module = import_module(f"rkgraph.rules.{rule.card.stem}")
    assert callable(module.check)
    assert hasattr(module, "fix") is (rule.card.fix is not None) is (rule.fix is not None)


def test_operators_are_named_by_their_schemas_or_stand_for_the_model() -> None:
    """A rule that names an operator that does not exist would never be asked."""
    known = {schema.name for schema in onnx.defs.get_all_schemas_with_history()}
    known |= {schema.name for schema in get_all_operator_schema()}
    for card in (each.card for each in load_rules()):
        if card.applies_to not in (("*",), ("model",)):
            strangers = {op for op in card.applies_to if op not in known}
            assert not strangers, card.stem


def test_rules_run_by_code_and_after_what_they_name() -> None:
    rules = [rule("RK101", after=["RK301"]), rule("RK301", after=["RK202"]), rule("RK202"), rule("RK102")]
    assert [r.code for r in in_order(rules)] == ["RK102", "RK202", "RK301", "RK101"]


def test_a_circle_is_refused_and_named() -> None:
    rules = [rule("RK101", after=["RK103"]), rule("RK102"), rule("RK103", after=["RK101"])]
    with pytest.raises(CardError, match=r"\['RK101', 'RK103'\] wait for each other"):
        in_order(rules)


def test_a_rule_cannot_come_after_itself() -> None:
    with pytest.raises(CardError, match="wait for each other"):
        in_order([rule("RK101", after=["RK101"])])


def test_an_order_after_a_stranger_is_refused() -> None:
    with pytest.raises(CardError, match=r"rk101_.*after names \['RK900'\]"):
        in_order([rule("RK101", after=["RK900"])])


def test_doubles_are_refused() -> None:
    with pytest.raises(CardError, match="two rules have the code RK101"):
        in_order([rule("RK101", name="this-thing"), rule("RK101", name="that-thing")])
    with pytest.raises(CardError, match="two rules have the name same-thing"):
        in_order([rule("RK101", name="same-thing"), rule("RK102", name="same-thing")])


@pytest.mark.parametrize("word", ["RK302", "rk302", "data-dependent-shape", "rk302_data_dependent_shape"])
def test_a_card_is_found_by_code_and_by_name(word: str) -> None:
    assert card_path(word).name == "rk302_data_dependent_shape.md"


@pytest.mark.parametrize(
    ("word", "hint"), [("RK3O2", "RK302"), ("data-dependant-shape", "RK302"), ("xyz", "rkgraph rules")]
)
def test_an_unknown_rule_gets_a_suggestion(word: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        card_path(word)
    assert word in error.value.message
    assert hint in error.value.hint
