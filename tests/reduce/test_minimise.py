from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from rkgraph.reduce.minimise import minimise, shortest_prefix


@given(st.integers(1, 200), st.data())
def test_what_is_needed_is_found(count: int, data: st.DataObject) -> None:
    needed = data.draw(st.sets(st.integers(0, count - 1), max_size=5))
    assert minimise(range(count), lambda kept: needed <= set(kept)) == sorted(needed)


@given(st.integers(1, 40), st.functions(like=lambda kept: ..., returns=st.booleans(), pure=True))
def test_no_single_item_can_go_whatever_the_test(count: int, random: object) -> None:
    def holds(kept: list[int]) -> bool:
        return bool(random(tuple(kept)))  # type: ignore[operator]

    kept = minimise(range(count), holds)
    assert kept == list(range(count)) or holds(kept)
    if len(kept) > 1:
        assert not any(holds([item for item in kept if item != out]) for out in kept)


def test_few_questions_where_little_is_needed() -> None:
    asked: list[int] = []

    def holds(kept: list[int]) -> bool:
        asked.append(len(kept))
        return 700 in kept

    assert minimise(range(1000), holds) == [700]
    assert len(asked) < 30


def test_the_whole_is_never_asked_about() -> None:
    assert minimise([1, 2, 3], lambda kept: len(kept) > 3) == [1, 2, 3]


@given(st.integers(1, 1000), st.data())
def test_the_shortest_prefix(length: int, data: st.DataObject) -> None:
    wanted = data.draw(st.integers(1, length))
    assert shortest_prefix(length, lambda n: n >= wanted) == wanted
