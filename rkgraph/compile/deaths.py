"""What a report says of builds of which the toolkit died before one went to its end."""

from __future__ import annotations

from collections.abc import Sequence

from rkgraph.diagnostics import Confidence, Diagnostic, Location, Severity, fingerprint

__all__ = ["diagnostics_of_deaths", "in_how_many"]


def diagnostics_of_deaths(deaths: Sequence[str]) -> tuple[Diagnostic, ...]:
    """One warning where `deaths` (signals) came before the build that went well."""
    if not deaths:
        return ()
    signals, builds = " and ".join(dict.fromkeys(deaths)), len(deaths) + 1
    return (
        Diagnostic(
            code="RK929",
            severity=Severity.WARNING,
            at=Location(),
            message=f"the toolkit died of {signals} in {len(deaths)} of {builds} builds; it does so by chance, and "
            "what was written is of the build that went to its end",
            fingerprint=fingerprint("RK929", "deaths"),
            observed={"signals": list(deaths), "builds": builds},
            confidence=Confidence.PROBED,
        ),
    )


def in_how_many(deaths: Sequence[str]) -> str:
    """How often the toolkit died of a model that it never built; "" where it was tried once."""
    builds = len(deaths) + 1
    return f" (in each of {builds} builds, each in a new process)" if deaths else ""
