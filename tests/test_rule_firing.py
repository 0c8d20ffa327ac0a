"""The table of which rules fire is committed, and it is of the rules that there are."""

from __future__ import annotations

import json

from benchmarks.rule_firing import MEASURED, PAGE, counts, page
from rkgraph.rulebook.registry import load_rules


def test_the_table_has_every_rule_as_it_is() -> None:
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    written = PAGE.read_text(encoding="utf-8")
    assert written == page(load_rules(), measured), "write it again: python benchmarks/rule_firing.py"


def test_every_rule_has_a_model_on_which_it_fires_and_one_on_which_it_is_silent() -> None:
    without = [rule.code for rule in load_rules() if not all(counts(rule))]
    assert without == []
