from __future__ import annotations

from rkgraph.diagnostics import Device, Verdict
from tests.rules.harness import lint_text
from tests.rules.judged import Case, by_entry, not_where_a_limit_says_so

CASE = Case("RK102", "build-fails", Verdict.BUILD_FAILS, Device.UNKNOWN)


def test_an_operator_that_always_ends_so_is_found() -> None:
    by_entry(CASE)


def test_a_limit_that_says_so_is_another_rules_business() -> None:
    not_where_a_limit_says_so(CASE)


def test_an_operator_whose_shape_comes_from_data_is_induced_by_the_rule_that_says_why() -> None:
    result = lint_text("g (float[4] x) => (int64[1, n] y) { y = NonZero(x) }", "RK1", "RK302")
    found = {d.code: d for d in result.diagnostics}
    assert found["RK102"].induced_by == found["RK302"].fingerprint
    assert found["RK302"].cause
