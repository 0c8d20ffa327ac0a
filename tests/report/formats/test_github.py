"""Workflow commands: what the runner reads is what was meant, and no name becomes a command."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from hypothesis import given, settings

from rkgraph.report.formats.catalog import render
from rkgraph.report.formats.findings import causes, label_of
from rkgraph.report.visible import visible
from rkgraph.results import Report
from tests.report.formats.hostile import reports
from tests.report.samples import journey, sample_report


@dataclass(frozen=True)
class Annotation:
    """A command as the runner of GitHub Actions understands it."""

    name: str
    properties: dict[str, str]
    message: str


def read(text: str) -> list[Annotation]:
    """Lines as the runner splits and decodes them (ActionCommand of actions/runner)."""
    found = []
    for line in re.split("\r\n|\n|\r", text)[:-1]:
        match = re.fullmatch(r"::([a-z-]+) (.*?)::(.*)", line)
        assert match is not None, line
        pairs = (pair.partition("=") for pair in match[2].split(","))
        properties = {key: decode(value, {"%3A": ":", "%2C": ","}) for key, _, value in pairs}
        found.append(Annotation(match[1], properties, decode(match[3], {})))
    return found


def decode(text: str, more: dict[str, str]) -> str:
    """What the runner makes of the escapes; %25 comes last."""
    for sign, meant in {"%0D": "\r", "%0A": "\n", **more, "%25": "%"}.items():
        text = text.replace(sign, meant)
    return text


def test_verdicts_first_then_errors_and_alike_findings_together() -> None:
    found = read(render("github", sample_report("/n", "m/a.onnx")))
    heads = [(a.name, a.properties["title"], a.properties["file"]) for a in found]
    assert heads == [
        ("error", "rkgraph: build-fails", "m/a.onnx"),
        ("notice", "rkgraph: deployable", "fixed.onnx"),
        ("error", "rkgraph: cannot be read", "broken.onnx"),
        ("error", "rkgraph RK101", "m/a.onnx"),
        ("error", "rkgraph RK301", "m/a.onnx"),
        ("warning", "rkgraph RK104", "m/a.onnx"),
    ]
    assert found[-1].message.splitlines() == [
        "runs on the CPU (×8)",
        "at /n.0 (Gather), /n.1 (Gather), /n.2 (Gather), /n.3 (Gather), /n.4 (Gather) and 3 more",
        "more: rkgraph rule RK104",
    ]


def test_what_follows_is_counted_at_its_cause() -> None:
    before, *_ = journey("/n", "a.onnx")
    root, *others = before.diagnostics
    induced = tuple(replace(finding, cause=False, induced_by=root.fingerprint) for finding in others)
    found = read(render("github", Report((replace(before, diagnostics=(root, *induced)),))))
    assert [a.properties["title"] for a in found] == ["rkgraph: build-fails", "rkgraph RK101"]
    assert "9 more follow from this" in found[1].message.splitlines()


def test_signs_are_escaped() -> None:
    before, *_ = journey("/n", "a,b:100%.onnx")
    first = render("github", Report((before,))).splitlines()[0]
    assert first.startswith("::error file=a%2Cb%3A100%25.onnx,title=rkgraph%3A build-fails::")


@settings(max_examples=60, deadline=None)
@given(reports())
def test_no_name_becomes_a_command(report: Report) -> None:
    found = read(render("github", report))
    groups = [(result, group) for result in report.results for group, _ in causes(result)]
    assert len(found) == len(report.results) + len(groups)
    for annotation in found:
        assert annotation.name in ("error", "warning", "notice")
        assert list(annotation.properties) == ["file", "title"]
    told = {(a.properties["file"], a.message.splitlines()[0] if a.message else "") for a in found}
    for result, group in groups:
        first = visible(group.first.message)
        assert any(
            path == label_of(result) and first.splitlines()[:1] in ([], [said], [said.split(" (×")[0]])
            for path, said in told
        )
