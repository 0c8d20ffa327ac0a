"""Markdown for a pull request: a table of verdicts, and the findings of each model folded away below it.

A comment on GitHub holds 65,536 characters; the text stays within so many bytes. Models whose findings no longer fit
are named, and so is how many findings they have.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence

from rkgraph.diagnostics import Device, Severity, Verdict
from rkgraph.report.formats.findings import (
    Group,
    active,
    causes,
    count_of,
    current,
    label_of,
    place_of,
)
from rkgraph.report.formats.markdown_text import code, plain
from rkgraph.report.gains import gains
from rkgraph.report.next_step import next_words
from rkgraph.report.visible import one_line
from rkgraph.results import Report, Result
from rkgraph.rulebook.rule import Options

__all__ = ["MAX_BYTES", "render"]

MAX_BYTES = 65_536
"""GitHub's limit of a comment, in characters; bytes are never fewer."""

_RESERVED = 600
"""Room for the last lines: what was left out, and who wrote this."""

ROWS_SHOWN = 30
PLACES_SHOWN = 3
LONGEST_COMMAND = 2000
OPPORTUNITIES_SHOWN = 3
_SIGNS = {Verdict.DEPLOYABLE: "✅", Verdict.UNKNOWN: "❔"}
_BAD = "❌"
_DEVICES = (Device.NPU, Device.CPU, Device.HOST, Device.NO_KERNEL, Device.UNKNOWN)


def render(report: Report, fail_on: Severity = Severity.ERROR) -> str:  # noqa: ARG001 - every finding is told
    """The comment; at most MAX_BYTES in UTF-8."""
    results = current(report)
    room = MAX_BYTES - _RESERVED
    head, cut = _fitting(_head(results), room)
    room -= _size(head)
    parts: list[str] = [head]
    left_out: list[Result] = []
    for result in results:
        text = "\n".join(_details(result))
        if _size(text) <= room and not left_out and not cut:
            parts.append(text)
            room -= _size(text)
        elif text:
            left_out.append(result)
    if cut or left_out:
        parts.append(_note(cut, left_out))
    tool = report.tool.get("version", "")
    parts.append(f"\n<sub>rkgraph {plain(tool)[:80]}</sub>\n")
    return "".join(parts)


def _size(text: str) -> int:
    return len(text.encode())


def _fitting(lines: Sequence[str], room: int) -> tuple[str, int]:
    """As many lines as fit, and how many do not."""
    taken: list[str] = []
    for number, line in enumerate(lines):
        room -= _size(line) + 1
        if room < 0:
            return "".join(f"{text}\n" for text in taken), len(lines) - number
        taken.append(line)
    return "".join(f"{text}\n" for text in taken), 0


def _note(rows: int, left_out: Sequence[Result]) -> str:
    findings = sum(len(active(result)) for result in left_out)
    models = f"{findings} findings of {count_of(left_out, 'model')}" if left_out else ""
    table = f"{rows} rows of the table" if rows else ""
    what = " and ".join(part for part in (table, models) if part)
    return f"\n> **Cut to fit a comment:** {what} are left out. The report has them all.\n"


def _head(results: Sequence[Result]) -> list[str]:
    good = sum(result.verdict is Verdict.DEPLOYABLE and result.error is None for result in results)
    lines = [f"## rkgraph: {good} of {count_of(results, 'model')} deployable", ""]
    if not results:
        return lines
    lines += ["| | model | target | verdict | evidence | errors | warnings | notes | nodes |", f"|{'---|' * 9}"]
    return lines + [_row(result) for result in results]


def _row(result: Result) -> str:
    path, target = code(_short(label_of(result))), plain(str(result.target))
    if result.error is not None:
        return f"| {_BAD} | {path} | {target} | cannot be read | | | | | |"
    counts = Counter(finding.severity for finding in active(result))
    shown = " | ".join(str(counts[severity]) for severity in sorted(Severity, key=lambda s: -s.rank))
    sign = _SIGNS.get(result.verdict, _BAD)
    verdict = f"{result.verdict.value} | {result.confidence.value}"
    return f"| {sign} | {path} | {target} | {verdict} | {shown} | {_placement(result)} |"


def _placement(result: Result) -> str:
    counts = Counter(node.device for node in result.placement)
    return ", ".join(f"{counts[device]} {device.value}" for device in _DEVICES if counts[device])


def _details(result: Result) -> Iterator[str]:
    """The folded part of a model; nothing where there is nothing to say."""
    if result.error is not None:
        yield f"\n<details><summary>{_summary(label_of(result))}: cannot be read</summary>\n"
        yield from (f"{code(_short(line))}\n" for line in result.error.splitlines()[:10] if line.strip())
        yield "</details>\n"
        return
    groups = causes(result)
    covered = len(result.diagnostics) - len(active(result))
    if not groups and not covered:
        return
    found = count_of(active(result), "finding")
    yield f"\n<details><summary>{_summary(label_of(result))}: {found}</summary>\n"
    if groups:
        yield "| severity | rule | what | where | fix |\n|---|---|---|---|---|"
        yield from (_finding(group, following) for group, following in groups[:ROWS_SHOWN])
    if len(groups) > ROWS_SHOWN:
        rest = sum(len(group.found) + following for group, following in groups[ROWS_SHOWN:])
        yield f"\n{rest} more findings: the report has them."
    yield from _first(result)
    if covered:
        suppressed = sum(finding.suppressed is not None for finding in result.diagnostics)
        yield f"\nNot counted: {suppressed} suppressed, {covered - suppressed} in the baseline."
    yield from _next(result)
    yield "\n</details>\n"


def _finding(group: Group, following: int) -> str:
    first = group.first
    times = f" ×{len(group.found)}" if len(group.found) > 1 else ""
    then = f"; {following} more follow" if following else ""
    places = ", ".join(code(_short(place_of(finding))) for finding in group.found[:PLACES_SHOWN])
    more = f" and {len(group.found) - PLACES_SHOWN} more" if len(group.found) > PLACES_SHOWN else ""
    fix = f"{plain(first.fix.title)} ({first.fix.safety.value})" if first.fix else ""
    told = plain(_short(first.message, 600)) + then
    return f"| {first.severity.value} | {code(first.code)}{times} | {told} | {places}{more} | {fix} |"


def _first(result: Result) -> Iterator[str]:
    """What is worth mending first, where the report ranks it."""
    best = (result.opportunities or ())[:OPPORTUNITIES_SHOWN]
    if best:
        yield "\nWorth mending first:\n"
        yield from (f"{number}. {code(each.code)}: {', '.join(gains(each))}" for number, each in enumerate(best, 1))


def _next(result: Result) -> Iterator[str]:
    """The command that comes next, to be pasted; none where a name in it cannot be written in a line."""
    words = next_words(result, f"rknn-{result.target.toolkit}", Options())
    command = shlex.join(words)
    if words and command == one_line(command) and "```" not in command and len(command) <= LONGEST_COMMAND:
        yield f"\n```sh\n{command}\n```"


def _summary(path: str) -> str:
    """A path within HTML: as code, the characters of HTML as entities, and nothing that Markdown would look at."""
    shown = _short(one_line(path))
    marked = "".join(char if char.isalnum() or char in " /" else f"&#{ord(char)};" for char in shown)
    return f"<code>{marked}</code>"


def _short(text: str, most: int = 200) -> str:
    """A text that is no longer than `most`: hostile names are long."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
