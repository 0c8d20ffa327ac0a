"""The worked reports of `reports/`: valid documents, with pages that are made of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rkgraph.diagnostics import Verdict
from rkgraph.report.story import stories
from tests.report.validate import check_report

FOLDER = Path(__file__).resolve().parents[2] / "reports"
REPORTS = sorted(FOLDER.glob("*.json"))
EMBEDDER = FOLDER / "all-MiniLM-L6-v2.json"


def test_there_are_reports_of_eight_models_with_pictures_in_the_list() -> None:
    assert len(REPORTS) >= 8
    listing = (FOLDER / "README.md").read_text(encoding="utf-8")
    for path in REPORTS:
        assert f"]({path.stem}.html)" in listing
        assert f"]({path.stem}.png)](" in listing
        assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 12_000_000


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_a_report_is_valid_and_has_its_page(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    story = stories(check_report(text))[0]
    assert story.after.verdict is Verdict.DEPLOYABLE
    assert story.compiled_stages
    assert all(result.graph is not None for result in story.results)
    assert path.stat().st_size < 1_000_000
    page = path.with_suffix(".html").read_text(encoding="utf-8")
    assert len(page) < 1_000_000
    assert story.before.model.path in page


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_nothing_of_the_machine_that_made_it_is_in_it(path: Path) -> None:
    for file in (path, path.with_suffix(".html")):
        assert not re.search(r"/(home|root|tmp|Users|opt)/|site-packages", file.read_text(encoding="utf-8"))


def test_its_sentences_reach_the_bar() -> None:
    (story,) = stories(check_report(EMBEDDER.read_text(encoding="utf-8")))
    assert story.sentences is not None
    found = [row["cosine"] for row in story.sentences["rows"] if row["cosine"] is not None]
    assert len(found) >= 20
    assert min(found) >= story.sentences["threshold"] == 0.999


def test_one_model_is_there_on_every_platform() -> None:
    counts = {path.stem: len(stories(check_report(path.read_text(encoding="utf-8")))) for path in REPORTS}
    assert max(counts.values()) >= 40
    assert sorted(counts.values())[-2] == 1
