"""SARIF: valid under the standard's schema, whatever names are; what viewers and code scanning rely on."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import pytest
from hypothesis import given, settings

from rkgraph.diagnostics import Suppressed
from rkgraph.report.formats.catalog import render
from rkgraph.results import Report
from tests.report.formats.hostile import reports
from tests.report.samples import journey, sample_report
from tests.schemas import SARIF, problems, schema


def runs(report: Report) -> list[dict[str, Any]]:
    """The runs of the log, which is valid."""
    text = render("sarif", report)
    log = json.loads(text)
    assert problems(SARIF, log) == []
    assert text.isascii()
    found: list[dict[str, Any]] = log["runs"]
    return found


def test_the_schema_is_the_standards_and_refuses() -> None:
    assert schema(SARIF)["$id"].endswith("oasis-tcs/sarif-spec/master/Schemata/sarif-schema-2.1.0.json")
    log = json.loads(render("sarif", sample_report()))
    log["runs"][0]["results"][0]["level"] = "fatal"
    del log["runs"][0]["tool"]
    assert len(problems(SARIF, log)) == 2


def test_a_finding_has_rule_place_identity_fix_and_evidence() -> None:
    before, *_ = journey("/encoder", "models/a b.onnx")
    (run,) = runs(Report((before,)))
    result = run["results"][0]
    rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert (result["ruleId"], rule["id"], rule["name"]) == ("RK101", "RK101", "NoBoardKernelOperator")
    assert rule["helpUri"].endswith("rules/rk101_no_board_kernel_operator.md")
    assert "### Why it matters on RKNN" in rule["help"]["markdown"]
    assert rule["defaultConfiguration"] == {"level": "error"}
    assert result["level"] == "error"
    (location,) = result["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "models/a%20b.onnx"
    (logical,) = location["logicalLocations"]
    assert (logical["kind"], logical["fullyQualifiedName"]) == ("node", "models/a b.onnx::main::/encoder")
    assert run["logicalLocations"][logical["index"]]["fullyQualifiedName"] == logical["fullyQualifiedName"]
    assert result["partialFingerprints"]["rkgraph/v1"] == before.diagnostics[0].fingerprint
    assert result["properties"]["fix"] == {"title": "Rewrite /encoder", "safety": "safe"}
    assert result["properties"]["observed"] == {"dtype": "bool", "fill": "-Infinity"}
    assert "Fix: Rewrite /encoder (safe)." in result["message"]["text"]
    assert run["artifacts"][0]["properties"]["verdict"] == "build-fails"


def test_suppressed_and_known_findings_and_what_follows() -> None:
    before, *_ = journey("/n", "a.onnx")
    root, *others = before.diagnostics
    induced = replace(others[0], cause=False, induced_by=root.fingerprint)
    covered = replace(root, suppressed=Suppressed("the mask is padding", "rkgraph.toml:4"), baseline="unchanged")
    (run,) = runs(Report((replace(before, diagnostics=(covered, induced)),)))
    first, second = run["results"]
    assert first["suppressions"][0]["justification"] == "the mask is padding"
    assert first["suppressions"][0]["kind"] == "external"
    assert first["baselineState"] == "unchanged"
    assert second["relatedLocations"][0]["message"]["text"].startswith("follows from RK101 at /n (And)")
    assert second["properties"]["inducedBy"] == root.fingerprint


def test_a_model_that_cannot_be_read_is_a_notification() -> None:
    (run,) = runs(sample_report())
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"][0]["message"]["text"] == "broken.onnx: not an ONNX model"


def test_each_target_is_a_run_of_its_own_category() -> None:
    before, after, _ = journey("/n", "a.onnx")
    other = replace(after, target=replace(after.target, platform="rk3576"))
    ids = [run["automationDetails"]["id"] for run in runs(Report((before, other)))]
    assert ids == ["rkgraph/rk3588-2.3.2-fp16/", "rkgraph/rk3576-2.3.2-fp16/"]


def test_the_last_word_on_a_model_counts() -> None:
    before, *_ = journey("/n", "a.onnx")
    (run,) = runs(Report((before, replace(before, diagnostics=()))))
    assert run["results"] == []
    assert len(run["artifacts"]) == 1


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("./a//b.onnx", "a/b.onnx"),
        ("/work/ä.onnx", "file:///work/%C3%A4.onnx"),
        ("a:b#c?.onnx", "a%3Ab%23c%3F.onnx"),
        ("\udcff.onnx", "%FF.onnx"),
    ],
)
def test_paths_are_uris(path: str, uri: str) -> None:
    before, *_ = journey("/n", path)
    (run,) = runs(Report((before,)))
    assert run["artifacts"][0]["location"]["uri"] == uri


@settings(max_examples=40, deadline=None)
@given(reports())
def test_hostile_names_leave_it_valid(report: Report) -> None:
    for run in runs(report):
        rules = run["tool"]["driver"]["rules"]
        assert [rule["id"] for rule in rules] == sorted({rule["id"] for rule in rules})
        places = run.get("logicalLocations", [])
        for number, place in enumerate(places):
            assert place.get("parentIndex", -1) < number
        identities = [result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]]
        assert len(set(identities)) == len(identities)
        for result in run["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            check_text(result["message"]["text"])
            (location,) = result["locations"]
            uri = location["physicalLocation"]["artifactLocation"]["uri"]
            assert re.fullmatch(r"[A-Za-z0-9%/._~:-]*", uri)
            assert urlsplit(uri).scheme in ("", "file")
            assert b"\n" not in unquote_to_bytes(uri) or "%0A" in uri
            (logical,) = location["logicalLocations"]
            assert places[logical["index"]]["fullyQualifiedName"] == logical["fullyQualifiedName"]


def check_text(text: str) -> None:
    """A plain text message: not empty, no placeholder, no embedded link, nothing that cannot be seen."""
    assert text.strip()
    assert not re.search(r"(?<!\{)(\{\{)*\{(?!\{)", text)
    assert "](" not in text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", text.replace("\t", ""))
