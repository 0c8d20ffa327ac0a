from __future__ import annotations

from rkgraph.rulebook.judged import OTHER_KINDS, RULES_OF_KINDS, rule_of_kind
from rkgraph.rulebook.registry import load_rules
from rkgraph.tables.limits import KINDS
from tests.rulebook.builders import op, table
from tests.rules.limits import found_by, limit


def test_a_neighbour_that_leads_elsewhere_is_found() -> None:
    limited = table(
        op("Neg", "npu", limit("neighbour", "cpu", direction="before", chain=["Relu"], present=False)),
        op("Relu", "npu"),
    )
    behind = found_by("RK114", "g (float[4] x) => (float[4] y) { h = Relu(x) y = Neg(h) }", limited)
    alone = found_by("RK114", "g (float[4] x) => (float[4] y) { y = Neg(x) }", limited)
    assert (len(behind.diagnostics), len(alone.diagnostics)) == (1, 0)


def test_every_kind_of_limit_has_one_rule_that_exists() -> None:
    codes = {rule.code for rule in load_rules()}
    named = [kind for kinds in RULES_OF_KINDS.values() for kind in kinds]
    assert len(set(named)) == len(named)
    assert set(named) <= set(KINDS)
    assert {rule_of_kind(kind) for kind in KINDS} <= codes
    assert rule_of_kind("neighbour") == OTHER_KINDS
