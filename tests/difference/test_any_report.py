"""Whatever a valid report holds, the gate and the comparison end with an answer, and nothing differs from itself."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings

from rkgraph.difference.compare import compare
from rkgraph.difference.render import as_json as diff_json
from rkgraph.difference.render import lines
from rkgraph.difference.render import markdown as diff_markdown
from rkgraph.gate.check import check
from rkgraph.gate.measures import MEASURES
from rkgraph.gate.policy import parse_policy
from rkgraph.gate.render import as_json, headline, markdown, table
from rkgraph.gate.start import starting_policy
from rkgraph.gate.subjects import subjects
from rkgraph.report.document import report_from_json, report_to_json
from rkgraph.results import Report
from tests.report.test_document import REPORT

EVERYTHING = parse_policy(
    "[budget]\nverdict = 'deployable'\n" + "".join(f"{n} = 1\n" for n in MEASURES if n != "verdict"), "gate.toml"
)
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=60, suppress_health_check=SLOW, deadline=None)
@given(REPORT, REPORT)
def test_any_report_is_judged_and_compared(first: Report, second: Report) -> None:
    now, old = (subjects([report_from_json(report_to_json(report))]) for report in (first, second))
    found = check(now, EVERYTHING, old)
    assert {row.name for row in found.rows if row.against == "budget"} == (set(MEASURES) if now else set())
    assert json.loads(as_json(found))["passed"] is found.passed
    assert headline(found) in markdown(found).replace("\\", "")
    assert len(table(found.rows)) == len(found.rows)
    unread = any(subject.story.after.error is not None for subject in now)
    assert check(now, parse_policy(starting_policy(now), "gate.toml")).passed is not unread
    assert compare(now, now).equal
    other = compare(old, now)
    assert json.loads(diff_json(other))["equal"] is other.equal
    assert list(lines(other))
    assert diff_markdown(other)
