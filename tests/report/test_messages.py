"""Every code that a report can contain is explained, from one place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import rkgraph
from rkgraph.report.cards import cards_of
from rkgraph.report.messages import explained
from rkgraph.rulebook.registry import MODULES
from rkgraph.toolkit.log_table import LOG_TABLE, OUTCOME_TABLE

CARDS = {stem[:5].upper() for stem in MODULES}


def codes_in_the_package() -> set[str]:
    sources = Path(rkgraph.__file__).parent.rglob("*.py")
    return {code for path in sources for code in re.findall(r'"(RK\d{3})"', path.read_text())}


def test_every_code_is_explained() -> None:
    codes = codes_in_the_package() | CARDS
    assert {"RK901", "RK921", "RK991", "RK301"} <= codes
    assert not {code for code in codes if code not in CARDS and explained(code) is None}
    assert set(cards_of(codes)) == codes


@pytest.mark.parametrize("entry", [*LOG_TABLE, *OUTCOME_TABLE.values()], ids=lambda e: f"{e.code} {e.pattern.pattern}")
def test_the_log_table_is_rendered(entry) -> None:
    text = explained(entry.code)
    assert text is not None
    for said in (entry.meaning, entry.mend, entry.pattern.pattern):
        assert said in text


def test_what_is_explained_is_safe_html() -> None:
    ((heading, html),) = cards_of(["RK990"])["RK990"].sections
    assert heading == "What it does"
    assert "<script" not in html
    assert "<code>" in html


@pytest.mark.parametrize("code", ["RK999", "RK301", "nothing"])
def test_strangers_are_not_explained(code: str) -> None:
    assert explained(code) is None
