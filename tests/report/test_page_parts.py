"""What the page shows as data: score, opportunities, matching of views, platforms, and the embedded JSON."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rkgraph.diagnostics import Device, Severity, Suppressed, Verdict
from rkgraph.report.page.categories import categories_of, passed_of
from rkgraph.report.page.data import embedded, page_data
from rkgraph.report.page.drawn import compiled_graph, graph_of
from rkgraph.report.page.matching import match_fixed, match_layers
from rkgraph.report.page.opportunities import gains_of
from rkgraph.report.page.platforms import surveys
from rkgraph.report.page.score import points_of_cosine, score_of
from rkgraph.report.story import Story, stories
from rkgraph.results import Opportunity, Report, Result
from rkgraph.targets import Target
from tests.report.large import large_report
from tests.report.samples import journey


@pytest.fixture
def story() -> Story:
    return Story(journey("/n", "m.onnx"))


@pytest.fixture
def results() -> tuple[Result, ...]:
    return large_report(60).results


def test_the_score_is_made_of_its_parts(story: Story) -> None:
    score = score_of(story)
    builds, npu, numbers = score.parts
    assert (builds.points, npu.points, numbers.points) == (100, 100 * 15 // 28, 100)
    assert "0.999998" in numbers.why
    assert score.whole.points == round(50 + 0.3 * npu.points + 0.2 * numbers.points)


@pytest.mark.parametrize(("verdict", "most"), [(Verdict.BUILD_FAILS, 0), (Verdict.NO_BOARD_KERNEL, 40)])
def test_what_does_not_deploy_scores_next_to_nothing(story: Story, verdict: Verdict, most: int) -> None:
    failed = dataclasses.replace(story.after, verdict=verdict)
    assert score_of(Story((failed,))).whole.points <= most
    assert score_of(Story((dataclasses.replace(failed, verdict=Verdict.DEPLOYABLE),))).whole.points > 50


@pytest.mark.parametrize(
    ("cosine", "points"), [(1.0, 100), (0.99999, 100), (0.999, 67), (0.99, 50), (0.9, 0), (-1, 0), (float("nan"), 0)]
)
def test_a_cosine_gives_points_by_its_digits(cosine: float, points: int) -> None:
    assert points_of_cosine(cosine) == points


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_a_better_cosine_never_gives_less(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert 0 <= points_of_cosine(low) <= points_of_cosine(high) <= 100


def test_audits_lie_in_categories_with_what_to_paste(story: Story) -> None:
    (category,) = categories_of(Story(story.results[:2]))
    assert (category.name, category.severity) == ("Operators", Severity.WARNING)
    (audit,) = category.audits
    texts = [paste.text for paste in audit.pastes]
    assert f"rkgraph explain report.json {audit.group.findings[0].fingerprint}" in texts
    assert any(text.startswith("[[tool.rkgraph.suppress]]") for text in texts)
    passed = passed_of(story)
    assert all([paste.text for paste in audit.pastes] == [f"rkgraph rule {audit.group.code}"] for audit in passed)
    assert {audit.group.code for audit in passed} == {"RK101", "RK104", "RK301"}


def test_what_only_follows_comes_last_and_names_its_root(results: tuple[Result, ...]) -> None:
    cause, *others = results[0].diagnostics
    follow = tuple(dataclasses.replace(d, code="RK101", cause=False, induced_by=cause.fingerprint) for d in others)
    story = Story((dataclasses.replace(results[0], diagnostics=(*follow, cause)),))
    (category,) = categories_of(story)
    assert [(audit.group.code, audit.roots) for audit in category.audits] == [("RK104", ()), ("RK101", ("RK104",))]


def test_a_fix_is_pasted_with_what_it_needs(story: Story) -> None:
    audits = [audit for category in categories_of(Story(story.results[:1])) for audit in category.audits]
    told = {audit.group.code: [paste.text for paste in audit.pastes] for audit in audits}
    assert told["RK101"][0].startswith("rkgraph fix m.onnx --rules rknn-2.3.2 --target rk3588")
    assert not any(text.startswith("rkgraph fix") for text in told["RK301"])


def test_what_was_accepted_is_not_open(story: Story) -> None:
    first = story.before
    known = [
        dataclasses.replace(first.diagnostics[0], suppressed=Suppressed("fine", "rkgraph.toml:3")),
        dataclasses.replace(first.diagnostics[1], baseline="unchanged"),
        *first.diagnostics[2:],
    ]
    alone = Story((dataclasses.replace(first, diagnostics=tuple(known)),))
    assert [group.code for group in alone.accepted_findings] == ["RK101", "RK104"]
    assert sum(len(group.findings) for group in alone.open_findings) == len(known) - 2


def test_opportunities_are_those_of_the_document_else_counted(results: tuple[Result, ...]) -> None:
    first = results[0]
    cause, *others = first.diagnostics
    follow = tuple(dataclasses.replace(d, cause=False, induced_by=cause.fingerprint) for d in others)
    counted = dataclasses.replace(first, diagnostics=(cause, *follow))
    (gain,) = gains_of(Story((counted,)))
    assert (gain.code, gain.findings, gain.induced, gain.nodes) == ("RK104", (cause.fingerprint,), len(follow), None)
    ranked = dataclasses.replace(
        counted, opportunities=(Opportunity(True, 1, 2, 3, 4096, 5, code="RK104", findings=("f" * 16,)),)
    )
    (gain,) = gains_of(Story((ranked,)))
    assert (gain.blocks, gain.nodes, gain.crossings, gain.bytes, gain.induced) == (True, 3, 3, 4096, 5)


def test_views_match_by_name_and_what_is_gone_by_its_reader(results: tuple[Result, ...]) -> None:
    before, after = (graph_of(result, result.graph) for result in results[:2])
    assert before is not None
    assert after is not None
    match = match_fixed(before, after, results[1].fixes.applied)
    for node, found in enumerate(match.to):
        assert found, "every node leads somewhere"
        assert (node in match.near) == (before.labels[node] not in after.labels)
        if node not in match.near:
            assert [after.labels[other] for other in found] == [before.labels[node]]
    assert match.to[9] == (9,), "node 10 has moved up to where node 9 was"


def test_what_a_fix_wrote_stands_for_what_it_replaced(results: tuple[Result, ...]) -> None:
    before, after = (graph_of(result, result.graph) for result in results[:2])
    assert before is not None
    assert after is not None
    (gone,) = results[1].fixes.applied
    first = dataclasses.replace(gone, removed=(before.labels[9],), added=("between",))
    second = dataclasses.replace(gone, removed=("between",), added=(after.labels[30], after.labels[31]))
    match = match_fixed(before, after, (first, second))
    assert match.to[9] == (30, 31)
    assert 9 not in match.near


def test_layers_carry_the_edges_of_the_nodes_through_what_is_folded(results: tuple[Result, ...]) -> None:
    fixed = graph_of(results[1], results[1].graph)
    assert fixed is not None
    assert results[2].compile is not None
    layers, layer_of = compiled_graph(results[2].compile["stages"], fixed)
    assert layers.has_edges
    assert {fixed.labels[node]: layers.labels[layer] for node, layer in layer_of.items()} == {
        label: label for label, device in zip(fixed.labels, fixed.devices, strict=True) if device is not Device.FOLDED
    }
    pairs = {(start, end) for start, end, _ in layers.edges}
    assert all((layer, layer + 1) in pairs for layer in range(len(layers.labels) - 1))
    match = match_layers(fixed, layer_of)
    assert all(match.to)
    assert {fixed.devices[node] for node in match.near} <= {Device.FOLDED}


def test_a_document_without_edges_has_views_too(results: tuple[Result, ...]) -> None:
    bare = tuple(dataclasses.replace(result, graph=None) for result in results)
    report = Report(bare, {}, {"name": "rkgraph", "version": "0"})
    story = page_data(report, stories(report))["stories"]["s1"]
    assert [view["key"] for view in story["views"]] == ["original", "fixed", "compiled"]
    assert [view["hasEdges"] for view in story["views"]] == [False, False, False]


def test_platforms_are_summed_up_and_share_one_graph(results: tuple[Result, ...]) -> None:
    one = results[0]
    lost = tuple(dataclasses.replace(node, device=Device.NO_KERNEL) for node in one.placement)
    other = dataclasses.replace(
        one, target=Target("rv1106", "2.3.2"), placement=lost, graph=None, verdict=Verdict.NO_BOARD_KERNEL
    )
    report = Report((one, other), {}, {"name": "rkgraph", "version": "0"})
    told = stories(report)
    (survey,) = surveys(told)
    assert survey.toolkits == ("2.3.2",)
    assert [(name, cells[0] and cells[0].no_kernel) for name, cells in survey.rows] == [("rk3588", 0), ("rv1106", 60)]
    assert dict(survey.operators)["Softmax"] == (Device.NPU, Device.NO_KERNEL)
    data = page_data(report, told)["stories"]
    assert data["s2"]["like"] == "s1"
    assert data["s2"]["devices"] == "x" * 60
    assert surveys(told[:1]) == ()


@example(["</script><!--", "\u2028\u2029&"])
@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_embedded_json_reads_back_and_never_ends_its_element(data: object) -> None:
    text = embedded(data)
    assert json.loads(text) == data
    assert not set(text) & set("<>&\u2028\u2029")
