"""Workflow commands of GitHub Actions: annotations on the models, printed to the log of a step.

A step shows ten errors, ten warnings and ten notices: findings that say the same are one annotation, what follows from
another is only counted, and verdicts and errors come first. Every line is a command, and nothing that a model says can
begin one.
"""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Severity, Verdict
from rkgraph.report.formats.findings import Group, active, causes, count_of, current, label_of
from rkgraph.report.visible import one_line, visible
from rkgraph.results import Report, Result

__all__ = ["render"]

PLACES_SHOWN = 5
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_BAD = (Verdict.BUILD_FAILS, Verdict.NO_BOARD_KERNEL)


def render(report: Report, fail_on: Severity = Severity.ERROR) -> str:  # noqa: ARG001 - levels are the findings' own
    """The commands, one a line; nothing for a report without results."""
    results = current(report)
    lines = [_verdict(result) for result in results]
    for severity in sorted(Severity, key=lambda s: -s.rank):
        lines += [
            _finding(result, group, following)
            for result in results
            for group, following in causes(result)
            if group.first.severity is severity
        ]
    return "".join(f"{line}\n" for line in lines)


def _verdict(result: Result) -> str:
    if result.error is not None:
        return _command("error", label_of(result), "rkgraph: cannot be read", visible(result.error))
    found = active(result)
    counts = [count_of([d for d in found if d.severity is s], s.value) for s in sorted(Severity, key=lambda s: -s.rank)]
    said = f"{result.verdict.value} on {result.target}: {', '.join(counts)}"
    failing = result.verdict in _BAD and bool(found or not result.diagnostics)
    return _command("error" if failing else "notice", label_of(result), f"rkgraph: {result.verdict.value}", said)


def _finding(result: Result, group: Group, following: int) -> str:
    first = group.first
    return _command(
        _COMMANDS[first.severity], label_of(result), f"rkgraph {first.code}", "\n".join(_lines(group, following))
    )


def _lines(group: Group, following: int) -> Iterator[str]:
    first = group.first
    yield visible(first.message) + (f" (×{len(group.found)})" if len(group.found) > 1 else "")
    yield f"at {group.places(PLACES_SHOWN)}"
    if first.fix is not None:
        yield one_line(f"fix: {first.fix.title} ({first.fix.safety.value})")
    if following:
        yield f"{following} more follow from this"
    yield f"more: rkgraph rule {first.code}"


def _command(name: str, path: str, title: str, message: str) -> str:
    return f"::{name} file={_property(path)},title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(one_line(text)).replace(":", "%3A").replace(",", "%2C")
