"""GitLab code quality (a subset of the Code Climate format): one issue a finding, as a JSON array.

GitLab compares fingerprints between branches: they are unique in the file and the same in every run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rkgraph.diagnostics import Diagnostic, Severity
from rkgraph.report.formats.findings import active, current, label_of, place_of, unique_id
from rkgraph.report.visible import one_line
from rkgraph.results import Report, Result

__all__ = ["render"]

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.NOTE: "info"}
"""GitLab has info, minor, major, critical and blocker; a model that cannot be read is a blocker."""

UNREADABLE = "unreadable-model"


def render(report: Report, fail_on: Severity = Severity.ERROR) -> str:  # noqa: ARG001 - severities are the findings' own
    """The issues as ASCII JSON, a newline at its end; suppressed findings and those of the baseline are left out."""
    issues = [issue for result in current(report) for issue in _issues(result)]
    unique = {issue["fingerprint"]: issue for issue in issues}
    return json.dumps(list(unique.values()), indent=1) + "\n"


def _issues(result: Result) -> Iterator[dict[str, Any]]:
    if result.error is not None:
        identity, told = unique_id(result, UNREADABLE), one_line(result.error)
        yield _issue(result, check_name=UNREADABLE, severity="blocker", description=told, fingerprint=identity)
    for finding in active(result):
        yield _issue(
            result,
            check_name=finding.code,
            severity=_SEVERITIES[finding.severity],
            description=_description(finding, result),
            fingerprint=unique_id(result, finding.fingerprint),
        )


def _issue(result: Result, **told: str) -> dict[str, Any]:
    return {**told, "location": {"path": label_of(result), "lines": {"begin": 1}}}


def _description(finding: Diagnostic, result: Result) -> str:
    fix = f"; fix: {finding.fix.title} ({finding.fix.safety.value})" if finding.fix else ""
    return one_line(f"{finding.message} — at {place_of(finding)}, for {result.target}{fix}")
