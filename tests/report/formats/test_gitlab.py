"""GitLab code quality: the fields that it reads, fingerprints of their own."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given, settings

from rkgraph.diagnostics import Suppressed
from rkgraph.report.formats.catalog import render
from rkgraph.results import Report
from tests.report.formats.hostile import reports
from tests.report.samples import journey, sample_report
from tests.schemas import GITLAB_QUALITY, problems


def issues(report: Report) -> list[dict[str, Any]]:
    """The issues, which are valid and all different."""
    found: list[dict[str, Any]] = json.loads(render("gitlab", report))
    assert problems(GITLAB_QUALITY, found) == []
    assert len({issue["fingerprint"] for issue in found}) == len(found)
    return found


def test_the_schema_refuses_what_gitlab_does_not_take() -> None:
    (issue, *_) = issues(sample_report())
    for name, value in (("severity", "high"), ("fingerprint", "x"), ("location", {"path": "./a"}), ("check_name", "")):
        assert problems(GITLAB_QUALITY, [{**issue, name: value}]), name


def test_each_finding_that_counts_is_an_issue() -> None:
    before, after, _ = journey("/n", "./m/a.onnx")
    covered = replace(before.diagnostics[0], suppressed=Suppressed("padding", "rkgraph.toml:4"))
    report = Report((replace(before, diagnostics=(covered, *before.diagnostics[1:])), after))
    found = issues(report)
    assert {issue["location"]["path"] for issue in found} == {"m/a.onnx", "fixed.onnx"}
    assert [issue["check_name"] for issue in found[:9]] == ["RK104"] * 8 + ["RK301"]
    assert (found[0]["severity"], found[8]["severity"]) == ("minor", "critical")
    assert found[8]["description"].startswith("the shape is dynamic — at input_ids, for rk3588")


def test_a_model_that_cannot_be_read_is_a_blocker() -> None:
    (blocker,) = [issue for issue in issues(sample_report()) if issue["severity"] == "blocker"]
    assert blocker["location"]["path"] == "broken.onnx"
    assert blocker["description"] == "broken.onnx: not an ONNX model"


def test_the_same_finding_of_two_models_or_targets_is_two_issues() -> None:
    before, *_ = journey("/n", "a.onnx")
    elsewhere = replace(before, target=replace(before.target, platform="rk3576"))
    twin = replace(before, model=replace(before.model, path="b.onnx"))
    assert len(issues(Report((before, elsewhere, twin)))) == 3 * len(before.diagnostics)


@settings(max_examples=60, deadline=None)
@given(reports())
def test_hostile_names_leave_it_valid(report: Report) -> None:
    told = sum(len([d for d in result.diagnostics if d.counts]) for result in report.results)
    unread = sum(result.error is not None for result in report.results)
    assert len(issues(report)) == told + unread
