from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkgraph.config.selectors import Choice, code_of, rule_names, selected, selector
from rkgraph.errors import UsageError

CODES = frozenset(rule_names().values())
WORDS = st.sampled_from(["ALL", "RK", "RK1", "RK10", "RK101", "RK102", "RK6", "RK605", "rank-four-cache", "rk605"])


def choice(select: list[str] | None = None, extend: list[str] | None = None, ignore: list[str] | None = None) -> Choice:
    words = [None if w is None else tuple(map(selector, w)) for w in (select, extend or [], ignore or [])]
    return Choice(words[0], words[1] or (), words[2] or ())


def test_nothing_said_is_everything() -> None:
    assert selected([]) is None
    assert selected([Choice(), Choice()]) is None


def test_the_more_exact_word_counts() -> None:
    assert selected([choice(["RK1"], ignore=["RK101"])]) == {c for c in CODES if c.startswith("RK1")} - {"RK101"}
    assert selected([choice(["RK605"], ignore=["RK6"])]) == {"RK605"}
    assert selected([choice(["RK605"], ignore=["RK605"])]) == frozenset()
    assert selected([choice(ignore=["ALL"])]) == frozenset()


def test_a_stronger_source_adds_takes_away_or_begins_anew() -> None:
    weak = choice(["RK6"], ignore=["RK605"])
    six = {c for c in CODES if c.startswith("RK6")}
    assert selected([weak, choice(extend=["RK605"])]) == six
    assert selected([weak, choice(ignore=["RK601"])]) == six - {"RK605", "RK601"}
    assert selected([weak, choice(["RK101"])]) == {"RK101"}


@given(st.lists(WORDS, max_size=4), st.lists(WORDS, max_size=4))
def test_what_is_selected_is_as_the_longest_word_says(chosen: list[str], ignored: list[str]) -> None:
    result = selected([choice(chosen, ignore=ignored)])
    assert result is not None
    for code in CODES:
        said = [(selector(w).weight, True, False) for w in ignored if code in selector(w).codes]
        said += [(selector(w).weight, False, True) for w in chosen if code in selector(w).codes]
        assert (code in result) is (max(said)[2] if said else False)


def test_a_name_a_code_and_a_beginning_are_understood_in_any_case() -> None:
    assert selector("Rank-Four-Cache").codes == selector("rk605").codes == {"RK605"}
    assert code_of("rk605") == "RK605"
    assert selector("RK90").codes == {"RK906", "RK907", "RK908"}


@pytest.mark.parametrize("word", ["RK999", "rank-for-cache", "X1", "", "RKx"])
def test_what_is_no_rule_is_told_with_the_like(word: str) -> None:
    with pytest.raises(UsageError, match="there is no rule") as caught:
        selector(word)
    assert caught.value.hint
    if word == "rank-for-cache":
        assert "RK605 rank-four-cache" in caught.value.hint


def test_one_rule_is_wanted_where_one_is_needed() -> None:
    with pytest.raises(UsageError, match="stands for"):
        code_of("RK6")
