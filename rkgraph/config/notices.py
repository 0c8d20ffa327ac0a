"""Findings about the configuration itself. They have no rule and no card; `report/messages.py` explains them."""

from __future__ import annotations

from dataclasses import dataclass

from rkgraph.diagnostics import Diagnostic, Location, Severity, fingerprint

__all__ = ["EXPIRED", "NOTICES", "STALE", "UNUSED", "Notice"]


@dataclass(frozen=True)
class Notice:
    """A kind of finding: code, name, and how bad it is."""

    code: str
    name: str
    severity: Severity

    def finding(self, message: str, *about: str, at: Location | None = None) -> Diagnostic:
        """One finding; `about` is what makes it itself."""
        own = fingerprint(self.code, *about)
        return Diagnostic(self.code, self.severity, at or Location(), message, own)


UNUSED = Notice("RK906", "unused-suppression", Severity.WARNING)
EXPIRED = Notice("RK907", "expired-suppression", Severity.WARNING)
STALE = Notice("RK908", "stale-baseline-entry", Severity.NOTE)
NOTICES = (UNUSED, EXPIRED, STALE)
