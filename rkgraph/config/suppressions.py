"""Findings that somebody looked at and decided to live with: by code and structural fingerprint, with a reason."""

from __future__ import annotations

import datetime
import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from rkgraph.config.notices import EXPIRED, UNUSED
from rkgraph.diagnostics import Diagnostic, Suppressed
from rkgraph.results import Result

__all__ = ["Suppression", "suppressed", "today", "unused"]

ALIKE = "#*"
"""Behind a fingerprint: also of all places that look alike, such as the layers of a transformer."""


@dataclass(frozen=True)
class Suppression:
    """One entry: the findings of `code` with this fingerprint do not count.

    `reason` says why, `expires` until when (None: for ever), `source` where the entry stands: file and line.
    """

    code: str
    fingerprint: str
    reason: str
    expires: datetime.date | None
    source: str

    def covers(self, finding: Diagnostic) -> bool:
        """Whether it is about this finding."""
        if finding.code != self.code:
            return False
        if self.fingerprint.endswith(ALIKE):
            return finding.fingerprint.partition("#")[0] == self.fingerprint.removesuffix(ALIKE)
        return finding.fingerprint == self.fingerprint

    def has_expired(self, now: datetime.date) -> bool:
        """Whether its last day is over."""
        return self.expires is not None and self.expires < now


def today() -> datetime.date:
    """The day in UTC; that of $SOURCE_DATE_EPOCH where it is set, so that a report can be made again."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if given.isdecimal():
        return datetime.datetime.fromtimestamp(int(given), datetime.timezone.utc).date()
    return datetime.datetime.now(datetime.timezone.utc).date()


def suppressed(result: Result, entries: Sequence[Suppression], now: datetime.date) -> tuple[Result, set[Suppression]]:
    """The result with its suppressed findings marked and one more for each expired entry; and the entries in use."""
    used: set[Suppression] = set()
    findings: list[Diagnostic] = []
    for finding in result.diagnostics:
        entry = next((one for one in entries if one.covers(finding)), None)
        if entry is None:
            findings.append(finding)
            continue
        used.add(entry)
        own = None if entry.has_expired(now) else Suppressed(entry.reason, entry.source)
        findings.append(replace(finding, suppressed=own))
    findings += [_expired(entry) for entry in entries if entry in used and entry.has_expired(now)]
    return replace(result, diagnostics=tuple(findings)), used


def unused(entries: Iterable[Suppression], used: Collection[Suppression]) -> list[Diagnostic]:
    """A finding for each entry that covers nothing."""
    return [
        UNUSED.finding(
            f"{_entry(one)} covers no finding of what was linted: remove it, or put it into the section of its model",
            *(one.code, one.fingerprint),
        )
        for one in entries
        if one not in used
    ]


def _expired(one: Suppression) -> Diagnostic:
    return EXPIRED.finding(
        f"{_entry(one)} expired on {one.expires}: mend what it covers, or give it another day (reason: {one.reason})",
        *(one.code, one.fingerprint),
    )


def _entry(one: Suppression) -> str:
    return f"the suppression of {one.code} {one.fingerprint} at {one.source}"
