"""Which results make one story, and what the story counts."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from rkgraph.diagnostics import Device
from rkgraph.report.document import join_reports
from rkgraph.report.groups import FindingGroup
from rkgraph.report.story import Story, stories
from rkgraph.report.strip import strip
from rkgraph.report.tiles import tiles_of
from rkgraph.results import ModelInfo, PlacedNode, Report, Result
from rkgraph.targets import Target
from tests.report.samples import journey, sample_report, unreadable


@pytest.fixture
def story() -> Story:
    return Story(journey("/n", "m.onnx"))


def told(*results: Result) -> list[int]:
    return [len(story.results) for story in stories(Report(results))]


def test_lint_fix_and_compile_of_one_model_are_one_story() -> None:
    before, after, built = journey("/n", "m.onnx")
    assert told(before, after, built) == [3]
    assert told(before, before, after, built) == [4]


def test_other_models_targets_and_errors_begin_another() -> None:
    before, after, built = journey("/n", "m.onnx")
    stranger = replace(built, model=ModelInfo("other.onnx", "3" * 64))
    assert told(before, stranger) == [1, 1]
    assert told(before, replace(after, target=Target("rk3576"))) == [1, 1]
    assert told(before, unreadable(), unreadable()) == [1, 1, 1]
    assert told(before, replace(before, model=ModelInfo("b.onnx", "4" * 64))) == [1, 1]


def test_the_story_knows_what_changed(story: Story) -> None:
    assert story.changed
    assert [group.code for group in story.open_findings] == ["RK104"]
    assert [(g.code, len(g.findings)) for g in story.resolved_findings] == [("RK101", 1), ("RK301", 1), ("RK104", 5)]


def test_a_build_of_the_fixed_model_in_another_file_goes_on() -> None:
    before, after, built = journey("/n", "m.onnx")
    moved = replace(built, model=replace(built.model, path="elsewhere.onnx", sha256="5" * 64))
    assert told(before, after, moved) == [3]
    assert told(before, after, replace(moved, model=replace(moved.model, nodes=31))) == [2, 1]
    assert told(replace(after, fixes=before.fixes), moved) == [1, 1], "nothing was fixed: two models that look alike"


@pytest.mark.parametrize(("causes", "induced", "shown"), [(6, 0, 6), (7, 0, 4), (2, 9, 2), (0, 3, 0)])
def test_many_findings_and_what_follows_from_others_are_folded(causes: int, induced: int, shown: int) -> None:
    (finding, *_) = journey("/n", "m.onnx")[0].diagnostics
    findings = tuple(replace(finding, cause=i < causes) for i in range(causes + induced))
    group = FindingGroup("RK101", finding.severity, findings)
    assert len(group.shown) == shown
    assert all(each.cause for each in group.shown)
    assert len(group.shown) + len(group.folded) == causes + induced


def test_without_fixes_nothing_was_resolved() -> None:
    alone = Story(journey("/n", "m.onnx")[:1])
    assert not alone.changed
    assert alone.resolved_findings == ()
    assert alone.compile is None
    assert {row.real for row in alone.rows} == {None}


def test_proofs_of_a_group_are_counted_once(story: Story) -> None:
    shape, mask = story.fix_groups
    assert (shape.outcome, shape.cases, shape.largest_error) == ("none", 0, None)
    assert (mask.outcome, mask.cases, mask.largest_error) == ("proved", 64 + 256, 2.4e-7)
    assert mask.kinds == "local, range"
    assert [proof.id for proof in story.whole_proofs] == ["p3"]


@pytest.mark.parametrize(("outcome", "shown"), [("refuted", "refuted"), ("skipped", "skipped"), ("proved", "proved")])
def test_a_group_is_as_good_as_its_weakest_proof(story: Story, outcome: str, shown: str) -> None:
    before, after, built = story.results
    proofs = (replace(after.proofs[0], outcome=outcome), *after.proofs[1:])
    assert Story((before, replace(after, proofs=proofs), built)).fix_groups[1].outcome == shown


def test_real_placement_stands_beside_the_prediction(story: Story) -> None:
    assert [row.node.index for row in story.rows if not row.agrees] == [4]
    assert story.rows[4].real is Device.CPU


def test_tiles_count_what_is_there(story: Story) -> None:
    tiles = {tile.label: tile for tile in tiles_of(story)}
    assert tiles["on the NPU"].value == "15"
    assert tiles["without a kernel"].tone == "bad"
    assert (tiles["layers"].value, tiles["layers"].note) == ("6", "1 on the CPU")
    assert tiles["read + write"].value == "2,880 KB"
    assert tiles[".rknn"].value == "46.9 MB"
    assert tiles["lowest cosine"].value == "0.999998"
    assert all(tile.note.endswith(" nodes") for tile in tiles_of(Story(story.results[:2])))


def test_a_cosine_that_is_no_number_is_the_lowest(story: Story) -> None:
    before, after, built = story.results
    rows = tuple({"text": "x", "tokens": 3, "padded": 0.5, "cosine": c, "outcome": ""} for c in (0.5, math.nan, 0.9))
    broken = replace(built, compile={**(built.compile or {}), "sentences": {"threshold": 0.999, "rows": rows}})
    (tile,) = (tile for tile in tiles_of(Story((before, after, broken))) if tile.label == "lowest cosine")
    assert (tile.value, tile.tone) == ("not comparable", "bad")


def test_an_output_beyond_comparison_is_the_lowest(story: Story) -> None:
    built = story.results[-1]
    outputs = ({"name": "y", "cosine": 1.0, "largest_error": 0.0}, {"name": "z", "cosine": None, "largest_error": 1.0})
    verify = {**(built.compile or {})["verify"], "outputs": outputs}
    told = Story((*story.results[:-1], replace(built, compile={**(built.compile or {}), "verify": verify})))
    assert told.lowest_cosine is not None
    assert math.isnan(told.lowest_cosine)


@pytest.mark.parametrize("count", [0, 1, 85, 86, 500, 5000])
def test_cells_of_the_strip_lie_inside_and_never_on_each_other(count: int) -> None:
    devices = (Device.NPU, Device.CPU, Device.FOLDED)
    drawn = strip([PlacedNode(i, f"n{i}", "Add", (), devices[i % 3]) for i in range(count)])
    corners = [corner for _, cells in drawn.cells for corner in cells]
    assert len(set(corners)) == len(corners) == count
    assert all(x + drawn.side <= drawn.width and y + drawn.side <= drawn.height for x, y in corners)
    assert all(len(cells) == drawn.path(cells).count("z") for _, cells in drawn.cells)


def test_joined_reports_keep_all_results_in_order() -> None:
    one, two = sample_report("/a", "a.onnx"), sample_report("/b", "b.onnx")
    joined = join_reports([one, two])
    assert joined.results == (*one.results, *two.results)
    assert joined.run["seconds"] == 3.0
    assert join_reports([one]) is one
