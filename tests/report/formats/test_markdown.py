"""Markdown for a pull request: text stays text, nobody is mentioned, nothing is linked, and it fits a comment."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

from hypothesis import given, settings
from markdown_it import MarkdownIt

from rkgraph.diagnostics import Suppressed
from rkgraph.report.formats.catalog import render
from rkgraph.report.formats.markdown import MAX_BYTES
from rkgraph.results import Opportunity, Report
from tests.report.formats.hostile import FRAGMENTS, reports
from tests.report.samples import journey, sample_report

ALLOWED = {
    *("h2", "table", "thead", "tbody", "tr", "th", "td", "code", "pre", "p", "details", "summary", "sub"),
    *("blockquote", "strong", "ol", "li"),
}
FOUND_BY_FORGES = re.compile(r"@\w|#\d|\bgh-\d|https?://\w|\bwww\.\w", re.IGNORECASE)


class Page(HTMLParser):
    """The elements of a page, and its runs of text outside of code."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self._code = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self._code += tag == "code"

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag == "code"

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.text.append(data)


def page(text: str) -> Page:
    """What a forge makes of the text, before it looks for mentions and addresses."""
    return Page(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))


def test_verdicts_in_a_table_and_findings_folded_away() -> None:
    text = render("markdown", sample_report("/n", "m/a.onnx"))
    lines = text.splitlines()
    assert lines[0] == "## rkgraph: 1 of 3 models deployable"
    assert lines[4].startswith(
        "| ❌ | `m/a.onnx` | rk3588 · rknn-toolkit2 2.3.2 · fp16 | build-fails | probed | 2 | 8 |"
    )
    assert "<details><summary><code>m/a&#46;onnx</code>: 10 findings</summary>" in lines
    (row,) = [line for line in lines if "RK104" in line]
    assert row.startswith(
        "| warning | `RK104` ×8 | runs on the CPU | `/n.0 (Gather)`, `/n.1 (Gather)`, `/n.2 (Gather)` and 5"
    )
    assert any(line.startswith("rkgraph fix m/a.onnx --rules rknn-2.3.2 --target rk3588") for line in lines)
    shown = page(text)
    assert shown.tags.count("details") == 2
    assert set(shown.tags) <= ALLOWED


def test_what_is_worth_mending_first_is_told() -> None:
    before, *_ = journey("/n", "a.onnx")
    best = Opportunity(True, 0, 12, 3, 4096, 5, code="RK301", findings=(before.diagnostics[-1].fingerprint,))
    text = render("markdown", Report((replace(before, opportunities=(best,)),)))
    assert "\n1. `RK301`: in the way of every build or board, 12 nodes off the CPU, 3 crossings less (4 kB)" in text


def test_what_does_not_count_is_said() -> None:
    before, *_ = journey("/n", "a.onnx")
    covered = replace(before.diagnostics[0], suppressed=Suppressed("padding", "rkgraph.toml:4"))
    known = replace(before.diagnostics[1], baseline="unchanged")
    text = render("markdown", Report((replace(before, diagnostics=(covered, known)),)))
    assert "Not counted: 1 suppressed, 1 in the baseline." in text
    assert "RK101" not in text


def test_the_same_bars_and_backticks_come_out() -> None:
    before, *_ = journey("a|b`c``d\\", "m.onnx")
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(render("markdown", Report((before,))))
    assert "<code>a|b`c``d\\ (And)</code>" in html


def test_it_is_cut_to_fit_a_comment_and_says_so() -> None:
    before, *_ = journey("/a/long/name/of/a/node" * 8, "a.onnx")
    many = [replace(before, model=replace(before.model, path=f"models/number-{i:05}.onnx")) for i in range(200)]
    text = render("markdown", Report(tuple(many)))
    assert 0.7 * MAX_BYTES < len(text.encode()) <= MAX_BYTES
    left = 200 - text.count("<details>")
    assert f"{left * 10} findings of {left} models are left out" in text
    assert text.count("<details>") == text.count("</details>") > 5


def test_a_table_that_does_not_fit_is_cut_as_well() -> None:
    before, *_ = journey("/n", "a.onnx")
    many = [replace(before, model=replace(before.model, path=f"models/{i:05}.onnx")) for i in range(2000)]
    text = render("markdown", Report(tuple(many)))
    assert len(text.encode()) <= MAX_BYTES
    rows = text.count("| ❌ | `models/")
    assert f"{2000 - rows} rows of the table and 20000 findings of 2000 models are left out" in text


@settings(max_examples=80, deadline=None)
@given(reports())
def test_hostile_names_stay_text(report: Report) -> None:
    check(render("markdown", report), report)


def test_every_fragment_stays_text() -> None:
    for fragment in FRAGMENTS:
        report = sample_report(f"x{fragment}y", f"d/{fragment}.onnx")
        check(render("markdown", report), report)


def check(text: str, report: Report) -> None:
    """Only our own elements, as many as they must be; nothing that a forge would make a link or a mention of."""
    assert len(text.encode("utf-8")) <= MAX_BYTES
    shown = page(text)
    assert set(shown.tags) <= ALLOWED, set(shown.tags) - ALLOWED
    assert shown.attributes == [] or {key for key, _ in shown.attributes} == {"class"}
    assert shown.tags.count("details") <= len(report.results)
    assert shown.tags.count("h2") == 1
    columns = [len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("| ")]
    assert set(columns) <= {10, 6}
    for run in shown.text:
        assert not FOUND_BY_FORGES.search(run), run
