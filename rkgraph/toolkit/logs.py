"""Reads the compiler's log: layers, memory, nodes without a kernel, and messages with codes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from rkgraph.diagnostics import Severity
from rkgraph.toolkit.jobs import JobResult
from rkgraph.toolkit.layers import Layer, NoLowering, read_layers, read_memory, read_no_lowering
from rkgraph.toolkit.log_table import LOG_TABLE, OUTCOME_TABLE, UNKNOWN_ERROR, UNKNOWN_WARNING, LogPattern

__all__ = ["Layer", "LogFacts", "LogMessage", "NoLowering", "last_error", "outcome_message", "read_log"]

_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_SPEAKER = re.compile(r"^(?:[a-z_]+|[A-Za-z.]*(?:Error|Exception)): (?=\S)")
_PREFIX = re.compile(r"^(?P<level>[DIWE]) (?:RKNN: \[[\d:.]+\] ?)?")


@dataclass(frozen=True)
class LogMessage:
    """A kind of line that the compiler printed.

    Attributes:
        code: RK9xx.
        severity: what it means for the model, which is not always what the compiler calls it.
        text: the first such line, prefix and colours removed.
        count: how many lines of the kind there were.
        known: false for a line that the table does not know: show it raw.
        meaning: what it means on RKNN; empty where unknown.
        mend: what to do; may be empty.
    """

    code: str
    severity: Severity
    text: str
    count: int = 1
    known: bool = True
    meaning: str = ""
    mend: str = ""


@dataclass(frozen=True)
class LogFacts:
    """All that a log says. `memory` has `internal_kb` and `weight_kb` where they were printed."""

    layers: tuple[Layer, ...] = ()
    memory: Mapping[str, float] = field(default_factory=dict)
    no_lowering: tuple[NoLowering, ...] = ()
    messages: tuple[LogMessage, ...] = ()


@dataclass(frozen=True)
class _Line:
    level: str  # "D", "I", "W", "E", or "" for a line without prefix
    text: str


def read_log(text: str, toolkit: str = "") -> LogFacts:  # noqa: ARG001
    """Read a whole log of `toolkit` (a version; all known versions print alike, so it decides nothing yet)."""
    lines = list(_lines(text))
    texts = [line.text for line in lines]
    return LogFacts(read_layers(texts), read_memory(texts), read_no_lowering(texts), tuple(_messages(lines)))


def last_error(text: str) -> str | None:
    """The last line that is an error and means something, else None."""
    known: str | None = None
    for line in _lines(text):
        entry = _entry(line)
        if (entry and entry.severity is Severity.ERROR) or (line.level == "E" and entry is None):
            known = _said(line.text)
    return known


def outcome_message(result: JobResult) -> LogMessage | None:
    """A message for a job that died, hung or ate memory; None for one that ended by itself."""
    entry = OUTCOME_TABLE.get(result.outcome)
    if entry is None:
        return None
    where = f" during {result.stage}" if result.stage else ""
    text = f"{entry.meaning.rstrip('.')}{where}: {result.error or result.signal or result.outcome}"
    return LogMessage(entry.code, entry.severity, text, 1, True, entry.meaning, entry.mend)


def _lines(text: str) -> Iterator[_Line]:
    """Lines without escape sequences, progress bars' overwritten states and prefixes."""
    for raw in _ESCAPES.sub("", text).splitlines():
        prefix = _PREFIX.match(raw)
        if prefix:
            yield _Line(prefix["level"], raw[prefix.end() :].strip())
        elif raw.strip():
            yield _Line("", raw.strip())


def _entry(line: _Line) -> LogPattern | None:
    return next((entry for entry in LOG_TABLE if entry.pattern.search(line.text)), None)


def _messages(lines: Iterable[_Line]) -> Iterator[LogMessage]:
    """Known lines by kind, unknown warnings and errors by text, in order of first appearance."""
    found: dict[tuple[str, str], LogMessage] = {}
    for line in lines:
        message = _message(line)
        if message is not None:
            key = (message.code, message.meaning if message.severity is Severity.NOTE else message.text)
            seen = found.setdefault(key, replace(message, count=0))
            found[key] = replace(seen, count=seen.count + 1)
    yield from found.values()


def _message(line: _Line) -> LogMessage | None:
    """What one line says; None for chatter, and for unprefixed lines that the table does not know."""
    if line.level in ("D", "I"):
        return None
    text = _said(line.text)
    entry = _entry(line)
    if entry is not None:
        return LogMessage(entry.code, entry.severity, text, 1, True, entry.meaning, entry.mend)
    if line.level == "E":
        return LogMessage(UNKNOWN_ERROR, Severity.ERROR, text, 1, False)
    if line.level == "W":
        return LogMessage(UNKNOWN_WARNING, Severity.WARNING, text, 1, False)
    return None


def _said(text: str) -> str:
    """The text without the call or exception class before it: the toolkit prints most errors with each."""
    return _SPEAKER.sub("", text)
