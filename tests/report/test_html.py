"""The page: self-contained, safe whatever a model is called, and complete."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from rkgraph.diagnostics import Device
from rkgraph.report.document import report_from_json
from rkgraph.report.html import render
from rkgraph.results import Report
from tests.report.samples import sample_report

HOSTILE = (
    "<script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "' onfocus='alert(1)",
    "</style><img src=x onerror=alert(1)>",
    "</title></svg><iframe src=//x>",
    "--><!--",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "&lt;b&gt;",
    "\u202egnp.exe\u202c",
    "a\u200bb\x00c\x1b[31m",
    "\ud800",
)
GALLERY = Path(__file__).resolve().parents[2] / "reports"
CALM = "/calm/name"
FIXED = {"CPU", "NPU", "InputOperator", "OutputOperator", "warning", *(device.value for device in Device)}
"""Words of the contract, which no model chooses."""


class Page(HTMLParser):
    """What a browser would make of the page: tags with attributes, and text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))
        if tag not in ("meta", "input", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("meta", "input"):
            assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if "script" not in self.open and "style" not in self.open:
            self.text += data


def skeleton(page: Page) -> list[tuple[str, tuple[str, ...]]]:
    """Tags and the names of their attributes, without any values."""
    return [(tag, tuple(name for name, _ in attributes)) for tag, attributes in page.tags]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_cannot_change_the_page(name: str) -> None:
    calm, hostile = Page(render(sample_report(CALM, CALM))), Page(render(sample_report(name, name)))
    assert skeleton(hostile) == skeleton(calm)
    assert hostile.open == []


@pytest.mark.parametrize("name", HOSTILE[:9])
def test_names_are_shown_as_they_are(name: str) -> None:
    assert name in Page(render(sample_report(name, "m.onnx"))).text


def test_what_hides_or_reorders_text_is_spelled_out() -> None:
    text = render(sample_report("\u202egnp\u200b\x1b\ud800", "m.onnx"))
    assert r"\u202egnp\u200b\u001b\ud800" in text
    assert not re.search("[\u202e\u200b\x1b\ud800]", text)
    assert text.encode()


def test_every_place_where_a_model_speaks_is_escaped() -> None:
    """A mark in every string of the report: none may come out raw."""
    report = marked(sample_report())
    text = render(report)
    assert "&lt;mark&gt;" in text
    assert "<mark>" not in text


def marked(report: Report) -> Report:
    """The same report with "<mark>" at the end of all free text."""

    def mark(item: object) -> object:
        if type(item) is str:
            return item if item in FIXED or re.fullmatch(r"RK\d{3}|[0-9a-f]{16}|p\d", item) else item + "<mark>"
        if isinstance(item, tuple):
            return tuple(mark(each) for each in item)
        if isinstance(item, dict):
            return {key: mark(value) for key, value in item.items()}
        if dataclasses.is_dataclass(item) and not isinstance(item, type):
            return dataclasses.replace(item, **{f.name: mark(getattr(item, f.name)) for f in dataclasses.fields(item)})
        return item

    done = mark(report)
    assert isinstance(done, Report)
    return done


def test_the_page_asks_for_nothing() -> None:
    text = render(sample_report())
    page = Page(text)
    names = {name for _, attributes in page.tags for name, _ in attributes}
    assert all(
        value and value.startswith("#") for _, attributes in page.tags for name, value in attributes if name == "href"
    )
    assert not names & {"src", "srcset", "data", "action", "onload", "onclick"}
    assert not {tag for tag, _ in page.tags} & {"link", "img", "iframe", "object", "embed", "base", "form"}
    assert not re.search(r"url\((?!#)", text)
    assert "@import" not in text


@pytest.mark.parametrize("file", sorted((GALLERY).glob("*.json")), ids=lambda path: path.stem)
def test_every_report_of_the_gallery_is_a_sound_page(file: Path) -> None:
    sound(Page(render(report_from_json(file.read_text(encoding="utf-8")))))


def test_the_sample_is_a_sound_page() -> None:
    sound(Page(render(sample_report())))


def sound(page: Page) -> None:
    """Well-formed, ids unique, links within the page, headings in order, tables and regions that can be told."""
    assert page.open == []
    of = {
        name: [dict(attributes) for tag, attributes in page.tags if tag == name] for name in ("a", "th", "svg", "input")
    }
    everything = [dict(attributes) for _, attributes in page.tags]
    ids = [attributes["id"] for attributes in everything if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {(link["href"] or "").removeprefix("#") for link in of["a"]} <= set(ids)
    assert all(head.get("scope") in {"col", "row"} for head in of["th"])
    assert all(picture.get("aria-label") for picture in of["svg"])
    assert all(each.get("aria-label") for each in everything if "tabindex" in each and each.get("id") != "main")
    labels = {attributes["for"] for attributes in everything if "for" in attributes}
    assert {attributes["id"] for attributes in of["input"]} <= labels
    assert {a["aria-labelledby"] for a in everything if "aria-labelledby" in a} <= set(ids)
    levels = [int(tag[1]) for tag, _ in page.tags if tag in {"h1", "h2", "h3"}]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_the_islands_of_a_quantized_build_are_told_with_their_trials_and_reasons() -> None:
    text = render(sample_report())
    told = text[text.index("Islands of fp16") : text.index("<footer>")]
    for words in ("2 tensors, which reach the goal", "0.9729", "50%", "chosen", "0.0379", "/encoder/layer/sum"):
        assert words in told


_ERRORS = (0.0004, 0.0008, 0.0012, "overflow")


def test_errors_of_layers_are_told_worst_first() -> None:
    text = render(sample_report())
    told = text[text.index("Error by layer") : text.index("Islands of fp16")]
    assert "worst of 4 calibration samples" in told
    errors = re.findall(r'class="num">([^<]+ %|overflow)<', told)
    assert errors == ["overflow", "0.12 %", "0.08 %", "0.04 %"]
    (data,) = re.findall(r'<script type="application/json" id="rkgraph-data">(.*?)</script>', text, re.DOTALL)
    assert "Infinity" not in data, "JSON has no such number"
    assert [row[9:] for row in json.loads(data)["stories"]["s1"]["layers"]] == [[], *([n] for n in _ERRORS), []]


def test_several_models_are_listed_first_and_linked() -> None:
    page = Page(render(sample_report()))
    links = [dict(attributes)["href"] for tag, attributes in page.tags if tag == "a"]
    assert links == ["#main", "#s1", "#s2"]
    assert "cannot be read" in page.text


def test_one_model_needs_no_list() -> None:
    report = sample_report()
    page = Page(render(dataclasses.replace(report, results=report.results[:1])))
    assert [dict(attributes)["href"] for tag, attributes in page.tags if tag == "a"] == ["#main"]


def test_only_the_pages_own_script_may_run() -> None:
    import base64
    import hashlib

    text = render(sample_report())
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(scripts) == 1
    assert re.findall(r"<script [^>]*>", text) == ['<script type="application/json" id="rkgraph-data">']
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text.replace("&#39;", "'")
    assert "default-src 'none'" in text


@pytest.mark.parametrize(
    "words",
    [
        "build-fails",
        "deployable",
        "after the fixes",
        "rk3588 · rknn-toolkit2 2.3.2 · fp16",
        "40 nodes, opset 20 → 30 nodes, opset 17",
        "runs on the CPU",
        "Why: what RK104 means",
        "Additive mask",
        "--allow interface",
        "0.99999887",
        "need parameter qtype",
        "46.9 MB",
        "refused: too long",
        "broken.onnx: not an ONNX model",
        "rkgraph explain report.json",
        "[[tool.rkgraph.suppress]]",
    ],
)
def test_what_is_known_is_on_the_page(words: str) -> None:
    assert words in Page(render(sample_report())).text


def test_the_card_of_a_rule_is_rendered() -> None:
    text = render(sample_report())
    assert re.search(r"what RK104 means</summary>.{0,80}<h3>What it does</h3><p>", text, re.DOTALL)


def test_a_report_without_results_is_a_page_too() -> None:
    assert "This report has no results." in render(Report((), {}, {"name": "rkgraph", "version": "0"}))


def test_the_same_report_gives_the_same_bytes() -> None:
    assert render(sample_report()) == render(sample_report())


def test_words_in_backticks_are_code_and_still_escaped() -> None:
    report = marked(sample_report())
    first = report.results[0]
    finding = dataclasses.replace(first.diagnostics[0], message="`<b>` must be `float32`, not `x")
    text = render(dataclasses.replace(report, results=(dataclasses.replace(first, diagnostics=(finding,)),)))
    assert "<code>&lt;b&gt;</code> must be <code>float32</code>, not `x" in text


def test_a_failed_build_says_why() -> None:
    first = sample_report().results[0]
    failed = dataclasses.replace(first, compile={"outcome": "died", "stage": "build", "error": "SIGSEGV in build"})
    page = Page(render(dataclasses.replace(sample_report(), results=(failed,))))
    assert "SIGSEGV in build" in page.text
    assert ("p", (("class", "problem bad"),)) in page.tags
