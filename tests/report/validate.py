"""For every test that sees a report: is it one?

from tests.report.validate import check_report
report = check_report(text)
"""

from __future__ import annotations

from rkgraph.report.document import report_from_json, report_to_json
from rkgraph.results import Report

__all__ = ["check_report"]


def check_report(text: str) -> Report:
    """The report in `text`; fails unless it is valid under the schema and writes back to the same bytes."""
    report = report_from_json(text)
    assert report_to_json(report) == text
    return report
