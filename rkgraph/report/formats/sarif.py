"""SARIF 2.1.0 (OASIS standard), with what GitHub code scanning asks for: one run a target, its rules from the cards.

A finding lies in a file that has no lines: its physical location is the model (line 1, which code scanning demands),
its logical location the graph, node or value. Its identity is the structural fingerprint, which survives renaming.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rkgraph.diagnostics import Diagnostic, Severity, Suppressed
from rkgraph.report.formats.findings import (
    current,
    path_of,
    place_of,
    target_id,
    unique_id,
    uri_of,
)
from rkgraph.report.formats.rule_texts import PROJECT, RuleText, plain_text, rule_texts
from rkgraph.report.formats.sarif_places import Places
from rkgraph.report.visible import plain_data, visible
from rkgraph.results import Report, Result
from rkgraph.targets import Target

__all__ = ["SCHEMA", "render"]

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

Json = dict[str, Any]


def render(report: Report, fail_on: Severity = Severity.ERROR) -> str:  # noqa: ARG001 - levels are the findings' own
    """The log as ASCII JSON, a newline at its end."""
    targets: dict[Target, list[Result]] = {}
    for result in current(report):
        targets.setdefault(result.target, []).append(result)
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [_run(report.tool, target, results) for target, results in targets.items()],
    }
    return json.dumps(log, indent=1, allow_nan=False) + "\n"


def _run(tool: Mapping[str, str], target: Target, results: Sequence[Result]) -> Json:
    codes = sorted({finding.code for result in results for finding in result.diagnostics})
    rules = {code: number for number, code in enumerate(codes)}
    places = Places()
    found = [
        _result(finding, result, number, rules, places)
        for number, result in enumerate(results)
        for finding in _once(result.diagnostics)
    ]
    errors = [_unread(result, number) for number, result in enumerate(results) if result.error is not None]
    invocation: Json = {"executionSuccessful": not errors}
    if errors:
        invocation["toolExecutionNotifications"] = errors
    return {
        "tool": {"driver": _driver(tool, rule_texts(codes).values())},
        "automationDetails": {
            # Up to the last "/" it is the category of code scanning; what may follow would name one run of it.
            "id": f"rkgraph/{visible(target_id(target))}/",
            "description": {"text": _message(f"Models for {target}")},
        },
        "invocations": [invocation],
        "artifacts": [_artifact(result) for result in results],
        **({"logicalLocations": places.table} if places.table else {}),
        "results": found,
        "columnKind": "unicodeCodePoints",
        "properties": {"target": plain_data(vars(target))},
    }


def _once(findings: Iterable[Diagnostic]) -> Iterable[Diagnostic]:
    """One finding a fingerprint: viewers take two of one identity for the same."""
    return {finding.fingerprint: finding for finding in findings}.values()


def _driver(tool: Mapping[str, str], rules: Iterable[RuleText]) -> Json:
    version = tool.get("version", "")
    return {
        "name": visible(tool.get("name", "")) or "rkgraph",
        "informationUri": PROJECT,
        **({"version": visible(version)} if version else {}),
        "rules": [_rule(rule) for rule in rules],
    }


def _rule(rule: RuleText) -> Json:
    described: Json = {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": _message(rule.name.replace("-", " "))},
        "fullDescription": {"text": _message(rule.summary)},
        "help": {"text": _message(plain_text(rule.markdown)), "markdown": _braces(rule.markdown)},
        "properties": {"tags": ["rknn", "onnx", *rule.applies_to]},
    }
    if rule.uri is not None:
        described["helpUri"] = rule.uri
    if rule.severity is not None:
        described["defaultConfiguration"] = {"level": rule.severity.value}
    return described


def _artifact(result: Result) -> Json:
    model = result.model
    facts = {"verdict": result.verdict.value, "confidence": result.confidence.value}
    numbers = {"opset": model.opset, "nodes": model.nodes, "graphSha256": model.sha256}
    return {
        "location": {"uri": uri_of(result)},
        "mimeType": "application/octet-stream",
        "roles": ["analysisTarget"],
        "properties": {**facts, **{key: value for key, value in numbers.items() if value is not None}},
    }


def _result(finding: Diagnostic, result: Result, number: int, rules: Mapping[str, int], places: Places) -> Json:
    made: Json = {
        "ruleId": finding.code,
        "ruleIndex": rules[finding.code],
        "level": finding.severity.value,
        "message": {"text": _text(finding)},
        "locations": [{"physicalLocation": _physical(result, number), **places.logical(path_of(result), finding.at)}],
        "partialFingerprints": {
            "primaryLocationLineHash": unique_id(result, finding.fingerprint),
            "rkgraph/v1": finding.fingerprint,
        },
        "properties": _properties(finding),
    }
    root = next((d for d in result.diagnostics if d.fingerprint == finding.induced_by), None)
    if root is not None:
        made["relatedLocations"] = [
            {
                "id": 1,
                "physicalLocation": _physical(result, number),
                **places.logical(path_of(result), root.at),
                "message": {"text": _message(f"follows from {root.code} at {place_of(root)}: {root.message}")},
            }
        ]
    if finding.suppressed is not None:
        made["suppressions"] = [_suppression(finding.suppressed)]
    if finding.baseline is not None:
        made["baselineState"] = finding.baseline
    return made


def _text(finding: Diagnostic) -> str:
    parts = [f"{finding.message or finding.code}"]
    parts += [f"At {place_of(finding)}."]
    parts += [f"Fix: {finding.fix.title} ({finding.fix.safety.value})."] if finding.fix else []
    return _message("\n".join(parts))


def _properties(finding: Diagnostic) -> Json:
    found: Json = {"cause": finding.cause, "confidence": finding.confidence.value}
    if finding.induced_by is not None:
        found["inducedBy"] = finding.induced_by
    for name, data in (("observed", finding.observed), ("limit", finding.limit), ("evidence", finding.evidence)):
        if data:
            found[name] = plain_data(data)
    if finding.fix is not None:
        found["fix"] = {"title": visible(finding.fix.title), "safety": finding.fix.safety.value}
    return found


def _suppression(told: Suppressed) -> Json:
    """One from a configuration: it lies outside of the model."""
    return {
        "kind": "external",
        "status": "accepted",
        "justification": visible(told.reason),
        "properties": {"source": visible(told.source)},
    }


def _unread(result: Result, number: int) -> Json:
    return {
        "level": "error",
        "message": {"text": _message(result.error or "")},
        "locations": [{"physicalLocation": _physical(result, number)}],
    }


def _physical(result: Result, number: int) -> Json:
    return {"artifactLocation": {"uri": uri_of(result), "index": number}, "region": {"startLine": 1}}


def _message(text: str) -> str:
    """Plain text of a message: nothing in it is a placeholder (section 3.11.5) or an embedded link (3.11.6)."""
    return _braces(visible(text).replace("](", "] ("))


def _braces(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
