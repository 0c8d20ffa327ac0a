"""The worked reports of `reports/`: valid documents, with pages that are made of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rkgraph.diagnostics import Verdict
from rkgraph.report.story import stories
from tests.report.validate import check_report

REPORTS = sorted((Path(__file__).resolve().parents[2] / "reports").glob("*.json"))


def test_there_are_reports() -> None:
    assert REPORTS


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_a_report_is_valid_and_has_its_page(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    (story,) = stories(check_report(text))
    assert story.after.verdict is Verdict.DEPLOYABLE
    assert path.stat().st_size < 1_000_000
    page = path.with_suffix(".html").read_text(encoding="utf-8")
    assert len(page) < 1_000_000
    assert story.before.model.path in page


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_nothing_of_the_machine_that_made_it_is_in_it(path: Path) -> None:
    for file in (path, path.with_suffix(".html")):
        assert not re.search(r"/(home|root|tmp|Users|opt)/|site-packages", file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_its_sentences_reach_the_bar(path: Path) -> None:
    (story,) = stories(check_report(path.read_text(encoding="utf-8")))
    assert story.sentences is not None
    found = [row["cosine"] for row in story.sentences["rows"] if row["cosine"] is not None]
    assert len(found) >= 20
    assert min(found) >= story.sentences["threshold"] == 0.999
