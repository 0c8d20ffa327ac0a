"""JUnit XML: well-formed whatever names are, and failing where the exit code is 1."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings

from rkgraph.diagnostics import Severity, Suppressed
from rkgraph.report.formats.catalog import render
from rkgraph.results import Report
from tests.report.formats.hostile import reports
from tests.report.samples import journey, sample_report
from tests.schemas import junit_problems

COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def suites(report: Report, fail_on: Severity = Severity.ERROR) -> list[ET.Element]:
    """The suites of a document that has the structure and the counts that readers rely on."""
    text = render("junit", report, fail_on)
    assert junit_problems(text) == []
    root = ET.fromstring(text.encode())  # noqa: S314 - our own
    for element in (root, *root):
        cases = list(element.iter("testcase"))
        assert element.get("tests") == str(len(cases))
        for count, tag in COUNTED.items() if element is not root else list(COUNTED.items())[:2]:
            assert element.get(count) == str(sum(case.find(tag) is not None for case in cases)), count
    return list(root)


def outcome(suite: ET.Element) -> dict[str, str]:
    """Name of each case up to its place → its outcome."""
    return {case.get("name", "").split(" at ")[0]: case[0].tag if len(case) else "passed" for case in suite[1:]}


def test_the_schema_refuses_what_is_no_junit() -> None:
    text = render("junit", sample_report())
    for before, after in (
        ("<failure ", "<fault "),
        (' tests="', ' count="'),
        ("<properties>", "<times/><properties>"),
        ('classname="', 'class="'),
        ("</failure>", "</failure><system-out>twice</system-out>"),
    ):
        assert before in text
        assert junit_problems(text.replace(before, after, 1).replace("</failure>", "</fault>", "fault" in after)), after


@pytest.mark.parametrize(
    ("fail_on", "warnings"), [(Severity.ERROR, "system-out"), (Severity.WARNING, "failure"), (Severity.NOTE, "failure")]
)
def test_findings_at_the_threshold_fail(fail_on: Severity, warnings: str) -> None:
    before, *_ = journey("/n", "a.onnx")
    (suite,) = suites(Report((before,)), fail_on)
    assert suite.get("name") == "a.onnx [rk3588-2.3.2-fp16]"
    assert outcome(suite) == {"verdict": "failure", "RK101": "failure", "RK104": warnings, "RK301": "failure"}


def test_a_clean_model_passes_and_an_unreadable_one_is_an_error() -> None:
    before, after, built, unread = sample_report().results
    shown = [outcome(suite) for suite in suites(Report((built, unread)))]
    assert shown == [{"verdict": "passed"}, {"verdict": "error"}]
    assert before.diagnostics
    assert after.diagnostics


def test_what_does_not_count_is_skipped() -> None:
    before, *_ = journey("/n", "a.onnx")
    covered = (
        replace(before.diagnostics[0], suppressed=Suppressed("padding", "rkgraph.toml:4")),
        replace(before.diagnostics[1], baseline="unchanged"),
    )
    (suite,) = suites(Report((replace(before, diagnostics=covered),)), Severity.NOTE)
    assert outcome(suite) == {"verdict": "passed", "RK101": "skipped", "RK104": "skipped"}
    assert "suppressed: padding" in [part.get("message") for part in suite.iter("skipped")]


def test_text_of_a_failure_says_what_where_and_how_to_mend() -> None:
    before, *_ = journey("/n<&>", "a.onnx")
    (suite,) = suites(Report((before,)))
    (failure,) = [case[0] for case in suite[1:] if case.get("name", "").startswith("RK101")]
    assert failure.get("message") == "the operator has no board kernel"
    assert (failure.text or "").splitlines() == [
        "the operator has no board kernel",
        "at /n<&> (And)",
        "fix: Rewrite /n<&> (safe)",
        "more: rkgraph rule RK101",
    ]


@settings(max_examples=60, deadline=None)
@given(reports())
def test_hostile_names_leave_it_well_formed(report: Report) -> None:
    found = suites(report)
    assert len(found) == len(report.results)
    for suite, result in zip(found, report.results, strict=True):
        assert len(suite) == 2 + len(result.diagnostics)
