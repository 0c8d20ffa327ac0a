"""A job that failed, said in one line: what, where in the original graph, and what mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkgraph.compile.deaths import in_how_many
from rkgraph.compile.mapping import toolkit_name
from rkgraph.diagnostics import Confidence, Diagnostic, Location, Severity, fingerprint
from rkgraph.errors import ToolkitFailed
from rkgraph.toolkit.logs import LogFacts, LogMessage, outcome_message

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rkgraph.graph.view import GraphView, Node
    from rkgraph.results import Result
    from rkgraph.toolkit.jobs import JobResult

__all__ = ["CompileFailed", "diagnose", "diagnostics_of"]

_STAGES = {
    "load-failed": "the toolkit refuses the model",
    "build-failed": "the toolkit cannot build the model",
    "export-failed": "the toolkit built the model and cannot export it",
    "simulate-failed": "the toolkit built the model and its simulator fails",
    "died": "the toolkit died",
    "timed-out": "the toolkit did not end in time",
    "out-of-memory": "the toolkit used too much memory",
}
_LIMITS = {"timed-out": "raise it with --timeout SECONDS", "out-of-memory": "raise it with --memory MB"}


class CompileFailed(ToolkitFailed):
    """The toolkit failed; `result` is what is known of the model, the log's messages included, `log` the raw log."""

    def __init__(self, message: str, hint: str, result: Result, log: str) -> None:
        super().__init__(message, hint)
        self.result = result
        self.log = log


def diagnose(job: JobResult, facts: LogFacts, graph: GraphView, result: Result, toolkit: str) -> CompileFailed:
    """The error of a job that did not end well."""
    message = outcome_message(job) or _decisive(facts)
    said = job.error or (message.text if message else "") or f"signal {job.signal}"
    node = node_named_in(said, graph)
    where = f" at {node.label} ({node.op})" if node is not None else ""
    stage = f" during {job.stage}" if job.outcome in ("died", "timed-out", "out-of-memory") and job.stage else ""
    often = in_how_many(job.deaths) if job.outcome == "died" else ""
    text = f"{_STAGES[job.outcome]}{stage}{where} (rknn-toolkit2 {toolkit}): {said}{often}"
    return CompileFailed(text, _mend(job, message, result), result, job.log)


def diagnostics_of(messages: Iterable[LogMessage], graph: GraphView) -> tuple[Diagnostic, ...]:
    """The log's warnings and errors as findings; chatter is left out, lines that nobody knows are shown raw."""
    return tuple(_diagnostic(message, graph) for message in messages if message.severity is not Severity.NOTE)


def node_named_in(text: str, graph: GraphView) -> Node | None:
    """The node that a message names between quotes or after "for:"; the longest name where several fit."""
    found = [
        node
        for node in graph.nodes
        if (name := toolkit_name(node)) and any(form in text for form in (f"'{name}'", f'"{name}"', f"for: {name},"))
    ]
    return max(found, key=lambda node: len(toolkit_name(node)), default=None)


def _decisive(facts: LogFacts) -> LogMessage | None:
    errors = [message for message in facts.messages if message.severity is Severity.ERROR]
    return next((message for message in errors if message.known), errors[-1] if errors else None)


def _mend(job: JobResult, message: LogMessage | None, result: Result) -> str:
    """What to do: the rule book's word first, then the log table's, then the way to the whole log."""
    if job.outcome in _LIMITS:
        return _LIMITS[job.outcome]
    errors = [each for each in result.diagnostics if each.severity is Severity.ERROR and each.code < "RK9"]
    if errors:
        count = f"{len(errors)} errors" if len(errors) > 1 else "an error"
        first = f"{errors[0].code} at {errors[0].at}"
        return f"lint finds {count} ({first}); all of them, and what mends them: rkgraph lint {result.model.path}"
    if message is not None and message.mend:
        return message.mend
    return "keep the toolkit's whole log with --log build.log"


def _diagnostic(message: LogMessage, graph: GraphView) -> Diagnostic:
    node = node_named_in(message.text, graph)
    at = Location(node=node.label, op=node.op) if node is not None else Location()
    times = f" ({message.count} times)" if message.count > 1 else ""
    meaning = f" {message.meaning}" if message.meaning else ""
    return Diagnostic(
        code=message.code,
        severity=message.severity,
        at=at,
        message=f"{message.text}{times}{meaning}",
        fingerprint=fingerprint(message.code, message.text),
        observed={"count": message.count, "known": message.known},
        evidence=("log:build",),
        confidence=Confidence.PROBED,
    )
