from __future__ import annotations

from rkgraph.diagnostics import Device, Verdict
from tests.rules.judged import Case, by_entry, not_where_a_limit_says_so

CASE = Case("RK103", "unknown", Verdict.UNKNOWN, Device.UNKNOWN)


def test_an_operator_that_always_ends_so_is_found() -> None:
    by_entry(CASE)


def test_a_limit_that_says_so_is_another_rules_business() -> None:
    not_where_a_limit_says_so(CASE)
