from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rkgraph.resources import data_folder
from rkgraph.rulebook import fronts
from rkgraph.rulebook.card import CardError, front_of, read_card
from rkgraph.rulebook.fronts import index_path, index_text, parsed_front
from rkgraph.rulebook.index import current_index
from rkgraph.rulebook.registry import MODULES

STEM = "rk301_dynamic_input_shape"


@pytest.fixture
def other_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where another index may be put; nothing is there yet."""
    path = tmp_path / "index.json"
    monkeypatch.setattr(fronts, "index_path", lambda: path)
    fronts._index.cache_clear()
    yield path
    fronts._index.cache_clear()


def test_the_committed_index_is_current() -> None:
    """Where it is not, lint is slower than it need be: `python -m rkgraph.rulebook.index` mends that."""
    assert index_path().read_text(encoding="utf-8") == current_index()


def test_a_line_counts_only_for_its_own_text(other_index: Path) -> None:
    """Also where it says something else: what it says is believed, so the test sees that it was asked."""
    made = json.loads(index_text({STEM: 'code = "RK301"'}))
    made[STEM][1]["code"] = "asked"
    other_index.write_text(json.dumps(made))
    assert parsed_front('code = "RK301"', STEM) == {"code": "asked"}
    assert parsed_front('code = "RK302"', STEM) == {"code": "RK302"}
    assert parsed_front('code = "RK301"', "rk999_not_in_it") == {"code": "RK301"}


@pytest.mark.parametrize("text", [None, "", "{", "<<<<<<< ours", "[]"])
def test_cards_are_the_same_without_an_index(other_index: Path, text: str | None) -> None:
    if text is not None:
        other_index.write_text(text)
    slow = [read_card(data_folder("rules") / f"{stem}.md") for stem in MODULES[::10]]
    other_index.write_text(current_index())
    fronts._index.cache_clear()
    assert [read_card(data_folder("rules") / f"{stem}.md") for stem in MODULES[::10]] == slow


def test_a_card_has_a_front_matter() -> None:
    assert front_of("+++\na = 1\n+++\nText\n", STEM) == "a = 1\n"
    with pytest.raises(CardError, match="first line"):
        front_of("Text\n", STEM)
