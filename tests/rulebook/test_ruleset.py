from __future__ import annotations

from pathlib import Path

import pytest

from rkgraph.diagnostics import Safety, Severity
from rkgraph.errors import TargetError, UsageError
from rkgraph.rulebook.registry import load_rules
from rkgraph.rulebook.ruleset import DEFAULT_RULESET, load_ruleset, parse_ruleset, ruleset_names
from rkgraph.tables.table import load_table

PATH = Path("rknn-9.9.9.toml")


def test_the_default_has_all_rules_and_allows_what_fp16_cannot_tell_apart() -> None:
    ruleset = load_ruleset(DEFAULT_RULESET)
    assert (ruleset.name, ruleset.toolkit) == ("rknn-2.3.2", "2.3.2")
    assert all(ruleset.includes(rule.code) for rule in load_rules())
    assert ruleset.allow == {Safety.FP16_RANGE}


@pytest.mark.parametrize("name", ruleset_names())
def test_every_set_names_the_toolkit_of_its_name(name: str) -> None:
    assert load_ruleset(name).toolkit == name.removeprefix("rknn-")


def test_a_toolkit_without_an_op_table_says_which_ones_have_one() -> None:
    with pytest.raises(TargetError) as error:
        load_table("1.6.0")
    assert "1.6.0" in error.value.message
    assert "2.3.2" in error.value.hint


def test_codes_may_be_prefixes() -> None:
    ruleset = parse_ruleset('toolkit = "2.3.2"\ncodes = ["RK1", "RK301"]', PATH)
    assert [ruleset.includes(code) for code in ("RK101", "RK301", "RK302", "RK202")] == [True, True, False, False]


def test_severities_are_overridden() -> None:
    ruleset = parse_ruleset('toolkit = "2.3.2"\n[severities]\nRK103 = "note"', PATH)
    assert ruleset.severities == {"RK103": Severity.NOTE}
    assert ruleset.allow == frozenset()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("toolkit", "is not TOML"),
        ('codes = ["RK"]', "toolkit = None must name"),
        ("toolkit = 2.3", "toolkit = 2.3 must name"),
        ('toolkit = "2.3.2"\ncode = ["RK"]', "unknown keys ['code']"),
        ('toolkit = "2.3.2"\ncodes = "RK"', "codes = 'RK' must be a list"),
        ('toolkit = "2.3.2"\ncodes = ["RX1"]', "codes = ['RX1'] must be a list"),
        ('toolkit = "2.3.2"\nallow = ["all"]', "allow: 'all' is not one of safe, shape"),
        ('toolkit = "2.3.2"\n[severities]\nRK101 = "bad"', "severities.RK101: 'bad' is not one of"),
    ],
)
def test_a_broken_set_is_refused_with_file_and_key(text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_ruleset(text, PATH)
    assert message in error.value.message
    assert error.value.message.startswith("rknn-9.9.9.toml: ")


def test_an_unknown_set_names_those_that_exist() -> None:
    with pytest.raises(UsageError) as error:
        load_ruleset("rknn-1.0.0")
    assert "rknn-2.3.2" in error.value.hint
