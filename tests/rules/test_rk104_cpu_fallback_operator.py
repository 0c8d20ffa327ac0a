from __future__ import annotations

from rkgraph.diagnostics import Device, Verdict
from tests.rules.judged import Case, by_entry, by_limit, on_both_sides_of_a_limit

CASE = Case("RK104", "cpu", Verdict.DEPLOYABLE, Device.CPU)


def test_an_operator_that_always_ends_so_is_found() -> None:
    by_entry(CASE)


def test_each_violated_limit_is_found_in_its_own_words() -> None:
    by_limit(CASE)


def test_both_sides_of_a_limit() -> None:
    on_both_sides_of_a_limit(CASE)
