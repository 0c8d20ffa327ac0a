"""The page in real Chromium: it says what it says without a request or a complaint, and every way of using it works."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rkgraph.report.document import join_reports
from rkgraph.report.html import render
from rkgraph.report.visible import visible
from rkgraph.results import Report
from rkgraph.targets import Target
from tests.report.browser import Opened, chromium, opened
from tests.report.large import large_report
from tests.report.samples import journey, sample_report
from tests.report.test_html import HOSTILE

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

LAYER = "/model/encoder/layer.3/self/Softmax"
SOFTMAX = 3 * 25 + 11


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


def written(folder: Path, name: str, report: Report) -> Path:
    file = folder / f"{name}.html"
    if not file.exists():
        file.write_text(render(report), encoding="utf-8")
    return file


@pytest.fixture
def seen(browser: Any, folder: Path) -> Iterator[Opened]:
    """A model of 200 nodes, fixed and compiled. No test of it may leave a complaint or a request."""
    with opened(browser, written(folder, "plain", large_report(200))) as found:
        yield found
        assert found.complaints == []
        assert [url for url in found.requests if not url.startswith("file:")] == []


def test_the_page_loads_from_a_file_and_shows_its_summary(seen: Opened) -> None:
    assert seen.page.inner_text("h1") == "large.onnx"
    assert seen.page.locator(".tabs [role=tab]").all_inner_texts()[:3] == ["Summary", "Findings1", "Graph"]
    assert seen.page.is_visible("#s1-summary")
    assert not seen.page.is_visible("#s1-graph")


def test_a_node_that_is_chosen_in_one_view_is_chosen_in_the_others(seen: Opened) -> None:
    seen.tab("graph")
    seen.find(LAYER)
    assert seen.chosen("original") == [SOFTMAX]
    (fixed,), (layer,) = seen.chosen("fixed"), seen.chosen("compiled")
    data = json.loads(seen.page.inner_text("#rkgraph-data", timeout=1000) or seen.page.text_content("#rkgraph-data"))
    story = data["stories"]["s1"]
    views = {view["key"]: view for view in story["views"]}
    assert story["names"][views["fixed"]["labels"][fixed]] == LAYER
    assert story["names"][views["compiled"]["labels"][layer]] == LAYER
    assert LAYER in seen.page.inner_text(".details")


def test_a_node_that_was_taken_out_leads_to_the_nearest_and_says_so(seen: Opened) -> None:
    seen.tab("graph")
    seen.page.click(".beside")
    seen.find("layer.0/self/Div")
    assert seen.chosen("original") == [9]
    assert seen.chosen("fixed") == [9], "what reads its result, which moved up"
    assert "taken out by RK303" in seen.page.inner_text('[data-view="fixed"] .pane-note')


def test_a_layer_leads_back_to_its_node(seen: Opened) -> None:
    seen.tab("layers")
    seen.page.fill("#s1-layers input[type=search]", LAYER)
    seen.page.click("#s1-layers tbody .row-link")
    assert seen.page.is_visible("#s1-graph")
    assert seen.chosen("original") == [SOFTMAX]
    assert seen.page.get_attribute(".view-tabs button:nth-child(3)", "aria-selected") == "true"


def test_a_click_on_the_canvas_chooses_and_opens(seen: Opened) -> None:
    seen.tab("graph")
    canvas = seen.page.locator('[data-view="original"] .stage > canvas')
    box = canvas.bounding_box()
    assert box is not None
    for y in range(40, int(box["height"]), 12):
        canvas.click(position={"x": box["width"] / 2, "y": y})
        if seen.chosen("original") or seen.page.get_attribute('[data-view="original"]', "data-toggled"):
            break
    assert seen.chosen("original") or seen.page.get_attribute('[data-view="original"]', "data-toggled")


def test_boxes_open_and_close_and_what_is_chosen_is_uncovered(seen: Opened) -> None:
    seen.tab("graph")
    said = seen.page.locator("#s1-graph [aria-live=polite].unseen").last
    seen.page.get_by_label("Collapse all boxes").click()
    canvas = seen.page.locator('[data-view="original"] .stage > canvas')
    canvas.focus()
    seen.page.keyboard.press("Enter")
    toggled = seen.page.get_attribute('[data-view="original"]', "data-toggled")
    assert toggled == "model/encoder open"
    assert "opened" in said.inner_text()
    seen.page.keyboard.press("Enter")
    assert seen.page.get_attribute('[data-view="original"]', "data-toggled") == "model/encoder closed"
    seen.find(LAYER)
    assert seen.chosen("original") == [SOFTMAX]


def test_search_counts_in_all_views_and_escape_lets_go(seen: Opened) -> None:
    seen.tab("graph")
    seen.page.fill(".search input", "softmax")
    assert seen.page.inner_text(".search .hits") == "8 original, 8 fixed, 8 compiled"
    assert seen.page.locator(".results button").count() == 24
    seen.page.fill(".search input", "rk104")
    assert seen.page.inner_text(".search .hits").startswith("8 original")
    seen.page.press(".search input", "Escape")
    assert seen.page.inner_text(".search .hits") == ""
    assert not seen.page.is_visible(".results")


def test_everything_can_be_reached_with_the_keyboard_alone(seen: Opened) -> None:
    press, active = seen.page.keyboard.press, "document.activeElement"
    press("Tab")
    assert seen.page.evaluate(f"{active}.className") == "skip"
    press("Enter")
    seen.page.locator("#s1-summary-tab").focus()
    press("ArrowRight")
    press("ArrowRight")
    assert seen.page.is_visible("#s1-graph")
    assert seen.page.evaluate(f"{active}.id") == "s1-graph-tab"
    press("/")
    assert seen.page.evaluate(f"{active}.type") == "search"
    seen.page.keyboard.type("layer.2/self/Softmax")
    press("Enter")
    assert seen.chosen("original") == [2 * 25 + 11]
    seen.page.locator('[data-view="original"] .stage > canvas').focus()
    press("ArrowDown")
    press("Enter")
    assert seen.chosen("original") == [2 * 25 + 12], "along the edge, to what reads the result"
    press("Escape")
    assert seen.chosen("original") == []


def test_colours_have_a_legend_in_words_and_marks(seen: Opened) -> None:
    seen.tab("graph")
    legend = seen.page.locator("#s1-graph .legend")
    assert legend.inner_text().split("\n") == ["NNPU", "CCPU", "Ffolded", "has a finding"]
    seen.page.select_option(".toolbar select", "finding")
    assert "follows from another finding" in legend.inner_text()
    seen.page.select_option(".toolbar select", "heat")
    assert "most (202 KB)" in legend.inner_text()
    seen.page.select_option(".toolbar select", "error")
    assert legend.inner_text().split("\n")[::4] == ["1below 0.1 %", "5above 12 %"]


def test_errors_of_layers_are_in_table_plot_and_details(seen: Opened) -> None:
    seen.tab("layers")
    seen.page.locator("#s1-layers .plot", has_text="Error of each layer's result").wait_for()
    seen.page.locator("#s1-layers th button", has_text="Error").click()
    worst = seen.page.locator("#s1-layers tbody tr").first
    assert worst.locator("td").last.inner_text().strip() == "24 %"
    worst.locator(".row-link").click()
    assert "Error\n24 %" in seen.page.inner_text(".details")


def test_the_choice_stays_when_another_view_is_shown(seen: Opened) -> None:
    seen.tab("graph")
    seen.find(LAYER)
    for number, view in ((2, "fixed"), (3, "compiled"), (1, "original")):
        seen.page.click(f".view-tabs button:nth-child({number})")
        assert seen.page.get_attribute(f".view-tabs button:nth-child({number})", "aria-selected") == "true"
        assert seen.page.is_visible(f'[data-view="{view}"]')
        assert len(seen.chosen(view)) == 1
        assert LAYER in seen.page.inner_text(".details")
    seen.tab("layers")
    seen.tab("graph")
    assert seen.chosen("original") == [SOFTMAX]


def test_a_telephone_scrolls_no_further_than_down(browser: Any, folder: Path) -> None:
    report = Report(journey("/encoder/layer", "embedder/model.onnx"), {}, {"name": "rkgraph", "version": "0"})
    with opened(browser, written(folder, "journey", report), viewport={"width": 360, "height": 740}) as found:
        for name in ("summary", "findings", "graph", "layers", "fixes", "numbers", "about"):
            found.tab(name)
            assert found.page.evaluate("document.documentElement.scrollWidth") <= 360, name
        assert found.complaints == []


def test_the_views_have_a_table_that_chooses_too(seen: Opened) -> None:
    seen.tab("graph")
    seen.page.locator(".as-table summary").nth(1).click()
    table = seen.page.locator(".as-table").nth(1)
    table.locator("input").fill(LAYER)
    table.locator(".row-link").first.click()
    assert seen.chosen("original") == [SOFTMAX]
    assert table.locator("tr.marked").count() == 1


def test_layers_are_sorted_and_filtered(seen: Opened) -> None:
    seen.tab("layers")
    head = seen.page.locator("#s1-layers th", has_text="NPU cycles")
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    cells = [text.replace(",", "") for text in seen.page.locator("#s1-layers td:nth-child(6)").all_inner_texts()]
    found = [int(text) for text in cells if text.strip()]
    assert found == sorted(found, reverse=True)
    assert found[0] == 3600
    assert seen.page.locator("#s1-layers .plot canvas").count() == 4
    seen.page.fill("#s1-layers input[type=search]", "gather")
    assert seen.page.inner_text("#s1-layers .table-tools [role=status]").startswith("8 of")


def test_an_audit_opens_copies_and_leads_to_the_graph(browser: Any, folder: Path) -> None:
    file = written(folder, "plain", large_report(200))
    with opened(browser, file, permissions=["clipboard-read", "clipboard-write"]) as found:
        found.tab("findings")
        found.page.click("#s1-RK104 summary")
        found.page.locator("#s1-RK104 .paste", has_text="Look it up").locator(".copy").click()
        assert found.page.evaluate("navigator.clipboard.readText()") == "rkgraph rule RK104"
        found.page.locator("#s1-RK104 .copy", has_text="Copied").wait_for()
        found.page.click("#s1-RK104 [data-find]")
        assert found.page.is_visible("#s1-graph")
        assert found.page.input_value(".search input") == "RK104"
        assert found.complaints == []


def test_hostile_names_are_text(browser: Any, folder: Path) -> None:
    report = join_reports([*(large_report(60, prefix=name) for name in HOSTILE[:-1]), sample_report(*HOSTILE[3:5])])
    with opened(browser, written(folder, "hostile", report)) as found:
        for number in range(1, len(HOSTILE)):
            found.page.click(f"#s{number}-graph-tab")
            found.page.fill(f"#s{number} .search input", "softmax")
            found.page.press(f"#s{number} .search input", "Enter")
            assert found.page.get_attribute(f'#s{number} [data-view="compiled"]', "data-chosen")
            label = found.page.text_content(f"#s{number} .details .name >> nth=0") or ""
            assert label == visible(HOSTILE[number - 1]) + "/model/encoder/layer.0/self/Softmax"
            assert not set(label) & set("\u202e\u200b\x00\x1b")
        assert found.page.locator("main img, main iframe, main [onmouseover], main [onfocus]").count() == 0
        assert found.complaints == []
        assert [url for url in found.requests if not url.startswith("file:")] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_has_nothing_to_say(browser: Any, folder: Path, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    first = journey("/encoder/layer", "embedder/model.onnx")
    report = Report(first, {}, {"name": "rkgraph", "version": "0"})
    # What can be wrong in dark only is a colour.
    options = {} if scheme == "light" else {"runOnly": ["color-contrast"]}
    with opened(browser, written(folder, "journey", report), color_scheme=scheme) as found:
        for name in ("summary", "findings", "graph", "layers", "fixes", "numbers", "about"):
            found.tab(name)
            if name == "findings":
                found.page.evaluate(
                    "document.querySelectorAll('.audit:nth-of-type(1)').forEach((a) => (a.open = true))"
                )
            if name == "graph":
                found.find("Gather")
            violations = Axe().run(found.page, context="body", options=options).response["violations"]
            told = [
                f"{each['id']}: {node['html'][:160]} {node['failureSummary']}"
                for each in violations
                for node in each["nodes"]
            ]
            assert told == [], name


def test_light_dark_and_paper_differ_as_they_should(browser: Any, folder: Path) -> None:
    file = written(folder, "plain", large_report(200))
    paper = "getComputedStyle(document.body).backgroundColor"
    with opened(browser, file, color_scheme="dark") as found:
        dark = found.page.evaluate(paper)
        found.page.click("[data-set-theme=light]")
        assert found.page.get_attribute("[data-set-theme=light]", "aria-pressed") == "true"
        assert found.page.evaluate(paper) != dark
        found.page.click("[data-set-theme=auto]")
        assert found.page.evaluate(paper) == dark
        found.page.emulate_media(media="print")
        found.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert all(panel.is_visible() for panel in found.page.query_selector_all(".story > .panel"))
        assert not found.page.is_visible(".tabs")
        assert found.page.evaluate(paper) == "rgb(255, 255, 255)"
        assert found.page.get_attribute("html", "data-theme") == "light", "chips and plots, too"
        drawn = "(canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"
        assert found.page.locator('[data-view="original"] .stage > canvas').evaluate(drawn)
        assert [plot.evaluate(drawn) for plot in found.page.locator("#s1-layers .plot canvas").all()] == [True] * 4
        found.page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert [p.is_visible() for p in found.page.query_selector_all(".story > .panel")].count(True) == 1
        assert found.page.get_attribute("html", "data-theme") == "auto"
        assert found.complaints == []


def test_a_survey_of_platforms_colours_the_graph(browser: Any, folder: Path) -> None:
    from rkgraph.diagnostics import Device

    (one,) = large_report(100, views=False).results
    placement = tuple(dataclasses.replace(node, device=Device.NO_KERNEL) for node in one.placement)
    other = dataclasses.replace(one, target=Target("rk3576"), placement=placement, graph=None)
    report = Report((one, other), {}, {"name": "rkgraph", "version": "0"})
    with opened(browser, written(folder, "survey", report)) as found:
        assert found.page.locator(".story").count() == 1
        found.tab("platforms")
        assert found.page.locator(".heat .cell").count() == 2
        found.page.locator(".heat .cell", has_text="100 no kernel").click()
        assert found.page.is_visible("#s1-graph")
        assert found.complaints == []


@pytest.mark.parametrize("named", [True, False])
def test_five_thousand_nodes_are_drawn_and_opened(browser: Any, folder: Path, named: bool) -> None:
    file = written(folder, f"large{named}", large_report(named=named))
    assert file.stat().st_size < 3_000_000
    with opened(browser, file) as found:
        found.tab("graph")
        found.page.get_by_label("Expand all boxes").click()
        found.find("4711" if not named else "layer.188/self/Softmax")
        assert found.chosen("original") == [4711]
        assert found.chosen("fixed")
        assert found.chosen("compiled")
        assert found.complaints == []
