"""JUnit XML as Jenkins, GitLab and others read it: a suite a model and target, a case for its verdict, one a finding.

The format knows no warnings: a finding fails its case when its severity is at least `fail_on`, as it makes the exit
code 1; below that its case passes and says so in its output. Suppressed findings are skipped cases, unreadable models
errors. There are no times and no host, so that the same findings are the same file.
"""

from __future__ import annotations

import re
from collections import Counter
from xml.etree import ElementTree as ET

from rkgraph.diagnostics import Diagnostic, Severity, Verdict
from rkgraph.report.formats.findings import active, current, label_of, place_of, target_id
from rkgraph.report.visible import one_line, visible
from rkgraph.results import Report, Result

__all__ = ["render"]

_NO_VERDICT = "unreadable"


def render(report: Report, fail_on: Severity = Severity.ERROR) -> str:
    """The document as text, declared as UTF-8."""
    root = ET.Element("testsuites", name="rkgraph")
    for result in current(report):
        root.append(_suite(result, fail_on))
    totals: Counter[str] = Counter()
    for suite in root:
        totals.update({key: int(suite.attrib[key]) for key in _COUNTED})
    root.attrib.update({key: str(totals[key]) for key in _COUNTED if key != "skipped"})  # Jenkins' schema has no such
    ET.indent(root, " ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


_COUNTED = ("tests", "failures", "errors", "skipped")
_TAGS = {"failure": "failures", "error": "errors", "skipped": "skipped"}


def _suite(result: Result, fail_on: Severity) -> ET.Element:
    name = f"{label_of(result)} [{target_id(result.target)}]"
    suite = ET.Element("testsuite", name=_safe(name))
    facts = ET.SubElement(suite, "properties")
    for key, value in (("verdict", result.verdict.value), ("confidence", result.confidence.value)):
        ET.SubElement(facts, "property", name=key, value=value)
    cases = [_verdict(result, fail_on), *(_finding(finding, result, fail_on) for finding in result.diagnostics)]
    suite.extend(cases)
    counts = Counter(_TAGS[part.tag] for case in cases for part in case if part.tag in _TAGS)
    numbers = {"tests": len(cases), **{key: counts[key] for key in _COUNTED[1:]}}
    suite.attrib.update({key: str(number) for key, number in numbers.items()})
    return suite


def _verdict(result: Result, fail_on: Severity) -> ET.Element:
    case = ET.Element("testcase", classname=_xml(label_of(result)), name="verdict")
    if result.error is not None:
        part = ET.SubElement(case, "error", type=_NO_VERDICT, message=_safe(result.error))
        part.text = _xml(visible(result.error))
    elif result.verdict in _FAILING and _fails(result, fail_on):
        told = f"{result.verdict.value} on {result.target} (evidence: {result.confidence.value})"
        ET.SubElement(case, "failure", type="verdict", message=_safe(told)).text = _xml(visible(told))
    return case


_FAILING = (Verdict.NO_BOARD_KERNEL, Verdict.BUILD_FAILS)


def _fails(result: Result, fail_on: Severity) -> bool:
    """The verdict fails with the findings that make it: what is suppressed or known does not fail twice."""
    return any(d.severity.rank >= fail_on.rank for d in active(result)) or not result.diagnostics


def _finding(finding: Diagnostic, result: Result, fail_on: Severity) -> ET.Element:
    name = f"{finding.code} at {place_of(finding)} ({finding.fingerprint})"
    case = ET.Element("testcase", classname=_xml(label_of(result)), name=_safe(name))
    if finding.suppressed is not None:
        ET.SubElement(case, "skipped", message=_safe(f"suppressed: {finding.suppressed.reason}"))
    elif not finding.counts:
        ET.SubElement(case, "skipped", message="in the baseline")
    elif finding.severity.rank >= fail_on.rank:
        kind = f"{finding.severity.value} {finding.code}"
        ET.SubElement(case, "failure", type=kind, message=_safe(finding.message)).text = _xml(_details(finding))
    else:
        ET.SubElement(case, "system-out").text = _xml(f"{finding.severity.value}: {_details(finding)}")
    return case


def _details(finding: Diagnostic) -> str:
    lines = [finding.message, f"at {place_of(finding)}"]
    lines += [f"fix: {finding.fix.title} ({finding.fix.safety.value})"] if finding.fix else []
    lines += [f"follows from {finding.induced_by}"] if finding.induced_by else []
    lines += [f"more: rkgraph rule {finding.code}"]
    return visible("\n".join(lines))


def _safe(text: str) -> str:
    """An attribute: one line, for readers collapse white space there."""
    return _xml(one_line(text))


def _xml(text: str) -> str:
    """Only characters that XML 1.0 has (section 2.2); what `visible` has left of others is spelled out."""
    return re.sub("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", lambda found: f"\\u{ord(found[0]):04x}", text)
