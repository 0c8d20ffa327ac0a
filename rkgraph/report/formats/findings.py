"""What every format needs of a finding: its place, its group, its state, and where its model lies."""

from __future__ import annotations

import hashlib
import os
import posixpath
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from rkgraph.diagnostics import Diagnostic, Severity
from rkgraph.report.visible import one_line
from rkgraph.results import Report, Result
from rkgraph.targets import Target

__all__ = [
    "Group",
    "active",
    "causes",
    "count_of",
    "current",
    "grouped",
    "label_of",
    "path_of",
    "place_of",
    "target_id",
    "unique_id",
    "uri_of",
]


@dataclass(frozen=True)
class Group:
    """Findings of one rule that say the same of several places; `found` is not empty, `first` stands for all."""

    found: tuple[Diagnostic, ...]

    @property
    def fingerprints(self) -> frozenset[str]:
        """Those of all its findings."""
        return frozenset(finding.fingerprint for finding in self.found)

    def rank(self, ranks: Mapping[str, int]) -> int:
        """The best rank of its findings; behind all others where none has one."""
        return min((ranks.get(name, len(ranks)) for name in self.fingerprints), default=len(ranks))

    @property
    def first(self) -> Diagnostic:
        """The one that is reported first."""
        return self.found[0]

    def places(self, most: int) -> str:
        """Up to `most` places, and how many more there are."""
        shown = ", ".join(place_of(finding) for finding in self.found[:most])
        return shown + (f" and {len(self.found) - most} more" if len(self.found) > most else "")


def current(report: Report) -> tuple[Result, ...]:
    """The last word on each model and target, in the order in which they come first.

    A report may be of several steps (`lint`, `compile`): the same file on the same target is told once.
    """
    last: dict[tuple[str, Target], Result] = {}
    for result in report.results:
        last[result.model.path, result.target] = result
    return tuple(last.values())


def grouped(findings: Iterable[Diagnostic]) -> tuple[Group, ...]:
    """Findings that say the same, together; errors first, then causes before what follows from them, then by code."""
    groups: dict[tuple[str, Severity, bool, str], list[Diagnostic]] = {}
    for finding in findings:
        groups.setdefault((finding.code, finding.severity, finding.cause, finding.message), []).append(finding)
    made = [Group(tuple(found)) for found in groups.values()]
    return tuple(sorted(made, key=lambda group: (-group.first.severity.rank, not group.first.cause, group.first.code)))


def causes(result: Result) -> tuple[tuple[Group, int], ...]:
    """Groups of active findings, each with how many others follow from it; those are not told by themselves.

    Errors come first, then what buys most when it is removed, where the report ranks causes. What follows from a
    finding that is not active is told: its cause is not.
    """
    alive = active(result)
    told = {finding.fingerprint for finding in alive if finding.cause}
    following = Counter(d.induced_by for d in alive if not d.cause and d.induced_by in told)
    groups = grouped(d for d in alive if d.cause or d.induced_by not in told)
    ranks = {cause.fingerprint: rank for rank, cause in enumerate(result.causes or ())}
    groups = tuple(sorted(groups, key=lambda group: (-group.first.severity.rank, group.rank(ranks))))
    return tuple((group, sum(following[name] for name in group.fingerprints)) for group in groups)


def active(result: Result) -> tuple[Diagnostic, ...]:
    """The findings that neither a suppression nor a baseline covers."""
    return tuple(finding for finding in result.diagnostics if finding.counts)


def place_of(finding: Diagnostic) -> str:
    """Graph, node and operator, or the value, in one line."""
    return one_line(str(finding.at))


def count_of(findings: Sequence[object], what: str) -> str:
    """E.g. "1 error", "2 errors"."""
    return f"{len(findings)} {what}{'' if len(findings) == 1 else 's'}"


def target_id(target: Target) -> str:
    """E.g. "rk3588-2.3.2-fp16"."""
    return f"{target.platform}-{target.toolkit}-{target.precision}"


def unique_id(result: Result, *parts: str) -> str:
    """40 hex digits for something of a result: the same in every run, and no other model or target has them."""
    whole = "\0".join((path_of(result), target_id(result.target), *parts))
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def path_of(result: Result) -> str:
    """The path of the model as forges want it: "models/a.onnx", not "./models//a.onnx"."""
    return posixpath.normpath(result.model.path)


def label_of(result: Result) -> str:
    """The path in one line that is not empty, to be read."""
    return one_line(path_of(result)) or "(no name)"


def uri_of(result: Result) -> str:
    """The path as an URI reference: relative as it was given, absolute with the scheme `file`.

    Bytes of a file name that are no UTF-8 are percent-encoded as they are.
    """
    path = path_of(result)
    try:
        name = os.fsencode(path)
    except UnicodeEncodeError:  # a report may hold what no file system gave
        name = path.encode("utf-8", "surrogatepass")
    encoded = quote(name)
    return f"file:///{encoded.lstrip('/')}" if path.startswith("/") else encoded
