"""The finding that a fingerprint, or its beginning, names."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from rkgraph.diagnostics import Diagnostic
from rkgraph.errors import UsageError
from rkgraph.report.formats.findings import place_of
from rkgraph.results import Report, Result

__all__ = ["find"]

LISTED = 8

Found = tuple[Result, Diagnostic]


def find(report: Report, wanted: str) -> Found:
    """Result and finding of a fingerprint; of several results that have it the first.

    Raises:
        UsageError: none begins so, or several do; the hint lists those that are near.
    """
    every = [(result, finding) for result in report.results for finding in result.diagnostics]
    if not every:
        raise UsageError("the report has no findings", "there is nothing to explain")
    word = wanted.strip().lower()
    found = {f.fingerprint: (r, f) for r, f in reversed(every) if word and f.fingerprint.startswith(word)}
    if word in found:
        return found[word]
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise UsageError(f"{len(found)} findings begin with {wanted!r:.40}", _listed(list(found.values())[::-1]))
    by_code = [(r, f) for r, f in every if word and f.code.lower() == word]
    if by_code:
        count = "1 finding is" if len(by_code) == 1 else f"{len(by_code)} findings are"
        raise UsageError(f"{wanted:.40} is a rule, and {count} its own", _listed(by_code))
    names = {finding.fingerprint: (result, finding) for result, finding in reversed(every)}
    near = difflib.get_close_matches(word, list(names)[:5000], n=LISTED, cutoff=0.5) or list(names)[::-1]
    raise UsageError(f"no finding has the fingerprint {wanted!r:.40}", _listed([names[name] for name in near]))


def _listed(found: Sequence[Found]) -> str:
    shown = [f"{f.fingerprint} {f.code} at {place_of(f):.80}" for _, f in found[:LISTED]]
    more = [f"and {len(found) - LISTED} more"] if len(found) > LISTED else []
    return "there are: " + "; ".join([*shown, *more])
