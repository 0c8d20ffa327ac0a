"""The reference pages are those of the tables as they are."""

from __future__ import annotations

from pathlib import Path

from rkgraph.report.op_pages import main, pages

COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "ops"


def test_the_committed_pages_are_current():
    assert {path.name: path.read_text() for path in COMMITTED.glob("*.md")} == pages()


def test_a_page_that_is_no_longer_written_is_removed(tmp_path):
    (tmp_path / "rknn-1.0.0.md").write_text("old")
    (tmp_path / "notes.md").write_text("mine")
    main(tmp_path)
    assert not (tmp_path / "rknn-1.0.0.md").exists()
    assert (tmp_path / "notes.md").read_text() == "mine"
    assert (tmp_path / "README.md").read_text() == pages()["README.md"]


def test_every_operator_has_a_section_and_every_limit_a_line():
    page = pages()["rknn-2.3.2.md"]
    assert "\n## Gather\n" in page
    assert "`indices`" in page
