"""A selection finds where targets differ, within its budget, and is the same every time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.probe.case import Case, case, computed
from rkgraph.probe.selection import Known, known_cases, select

OPS = ("Add", "Erf", "Gather", "Softmax")
OUTCOMES = ("npu", "cpu", "no-kernel", "build-fails")


def known(op: str, number: int, outcome: str = "npu", layer: str = "", stratum: str = "") -> Known:
    made = Case(f"{op}/c{number:03},alone", op, f"text {op} {number}")
    return Known(made, outcome, (op, outcome, layer), (stratum,))


def rounds(cases: Sequence[Known], here: Callable[[Known], str], budget: int = 10**6) -> list[list[Case]]:
    """All rounds of a selection, where a case has the outcome `here` on the target."""
    by_id = {each.case.id: each for each in cases}
    selection = select(cases, budget)
    found: list[list[Case]] = []
    outcomes: dict[str, str] = {}
    chosen = next(selection, None)
    while chosen:
        found.append(chosen)
        outcomes |= {each.id: here(by_id[each.id]) for each in chosen}
        try:
            chosen = selection.send(outcomes)
        except StopIteration:
            break
    return found


def same(each: Known) -> str:
    return each.outcome


def test_equal_targets_take_one_case_of_each_leaf() -> None:
    leaves = [("npu", "a"), ("npu", "b"), ("cpu", "c")]
    cases = [known("Erf", n, *leaves[n % 3]) for n in range(60)]
    (only,) = rounds(cases, same)
    assert len(only) == 3
    assert {k.leaf for k in cases if k.case in only} == {k.leaf for k in cases}


def test_the_first_round_is_spread_over_strata() -> None:
    cases = [known("Erf", n, stratum=f"rank {n // 10}") for n in range(60)]
    (only,) = rounds(cases, same)
    assert {k.stratum for k in cases if k.case in only} == {k.stratum for k in cases}


def test_an_operator_that_differs_is_followed_and_no_other() -> None:
    cases = [known(op, n, stratum=f"rank {n // 25}") for op in OPS for n in range(100)]
    found = rounds(cases, lambda k: "cpu" if k.case.op == "Gather" and k.stratum == ("rank 3",) else k.outcome)
    later = [each for chosen in found[1:] for each in chosen]
    assert {each.op for each in later} == {"Gather"}
    built = {each.id for chosen in found for each in chosen}
    assert all(k.case.id in built for k in cases if k.case.op == "Gather" and k.stratum == ("rank 3",))


def test_a_small_budget_reaches_every_operator() -> None:
    cases = [known(op, n, layer=str(n)) for op in OPS for n in range(50)]
    (only,) = rounds(cases, same, budget=10)
    assert len(only) == 6
    assert {each.op for each in only} == set(OPS)


def test_a_difference_of_all_cases_is_settled_soon() -> None:
    """Where a leaf differs as a whole, its cases say no more; where in part, all of them are wanted."""
    cases = [known(op, n, stratum=str(n % 5)) for op in ("Erf", "Add") for n in range(200)]
    found = rounds(cases, lambda k: "cpu" if k.case.op == "Erf" or k.case.id < "Add/c050" else k.outcome)
    built = [each.op for chosen in found for each in chosen]
    assert built.count("Erf") < 40
    assert built.count("Add") > 100


@pytest.mark.parametrize("budget", [1, 2, 40, 199, 200, 201])
def test_the_budget_is_kept(budget: int) -> None:
    cases = [known(op, n, layer=str(n % 7)) for op in OPS for n in range(50)]
    total = sum(map(len, rounds(cases, lambda k: OUTCOMES[sum(map(ord, k.case.id)) % 4], budget)))
    assert total == min(budget, 200)


def test_nothing_known_gives_nothing() -> None:
    assert rounds([], same) == []
    assert known_cases([case("Erf", "a", [computed(3, 4)])], {}) == []


@settings(max_examples=60, deadline=None)
@given(
    table=st.lists(
        st.tuples(
            st.sampled_from(OPS),
            st.sampled_from(OUTCOMES),
            st.integers(0, 4),
            st.integers(0, 4),
            st.sampled_from(OUTCOMES),
        ),
        max_size=60,
    ),
    budget=st.integers(1, 80),
)
def test_rounds_are_distinct_bounded_and_repeatable(table: list[tuple[str, str, int, int, str]], budget: int) -> None:
    cases = [known(op, n, there, str(a), str(b)) for n, (op, there, a, b, _) in enumerate(table)]
    here: Mapping[str, str] = {k.case.id: row[4] for k, row in zip(cases, table, strict=True)}
    found = rounds(cases, lambda k: here[k.case.id], budget)
    ids = [each.id for chosen in found for each in chosen]
    assert len(ids) == len(set(ids)) <= budget
    assert found == rounds(list(cases), lambda k: here[k.case.id], budget)


def test_what_the_base_made_of_a_case_is_its_leaf() -> None:
    first, second, third = (case("Erf", f"c{size}", [computed(1, size)]) for size in (3, 4, 5))
    lines = {
        first.id: {"outcome": "build-fails", "error": "build: code 139, at 0x7f00"},
        second.id: {"outcome": "build-fails", "error": "build: code 11, at 0x7fff"},
        third.id: {"outcome": "build-fails", "error": "load: no such thing"},
    }
    a, b, c = known_cases([first, second, third], lines)
    assert a.leaf == b.leaf != c.leaf


def test_dtype_rank_opset_and_position_make_strata() -> None:
    made = [
        case("Erf", "a", [computed(1, 3)]),
        case("Erf", "b", [computed(1, 3)], opset=13),
        case("Erf", "c", [computed(1, 3, 4)]),
        case("Erf", "d", [computed(1, 3, dtype="float16")]),
        case("Erf", "e", [computed(1, 3)], position="between"),
        case("Erf", "f", [computed(7, 9)]),
    ]
    *others, last = [k.stratum for k in known_cases(made, {each.id: {"outcome": "npu", "layers": []} for each in made})]
    assert len(set(others)) == 5
    assert last == others[0]
