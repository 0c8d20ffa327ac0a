from __future__ import annotations

from rkgraph.diagnostics import Device, Verdict
from rkgraph.engine.lint import lint_view
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target
from tests.rulebook.builders import op, table
from tests.rules.harness import view_of
from tests.rules.judged import Case, by_entry, not_where_a_limit_says_so

CASE = Case("RK102", "build-fails", Verdict.BUILD_FAILS, Device.UNKNOWN)


def test_an_operator_that_always_ends_so_is_found() -> None:
    by_entry(CASE)


def test_a_limit_that_says_so_is_another_rules_business() -> None:
    not_where_a_limit_says_so(CASE)


def test_an_operator_whose_shape_comes_from_data_is_induced_by_the_rule_that_says_why() -> None:
    view = view_of("g (float[4] x) => (int64[1, n] y) { y = NonZero(x) }")
    ruleset = RuleSet("test", "2.3.2", ("RK102", "RK302"))
    result = lint_view(view, Target(), ruleset, table=table(op("NonZero", "build-fails")))
    found = {d.code: d for d in result.diagnostics}
    assert found["RK102"].induced_by == found["RK302"].fingerprint
    assert found["RK302"].cause
