"""RK305: an input without elements or without dimensions."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Verdict
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each input that is a scalar (rank 0) or has a dimension of size 0."""
    main = lint.model.main
    for name in main.inputs:
        shape = main.value(name).shape
        if shape is not None and (not shape or 0 in shape):
            what = "has a dimension of size 0" if shape else "is a scalar (rank 0)"
            yield Finding(
                f"the input '{name}' {what}; the compiler refuses it",
                value=name,
                observed={"shape": list(shape)},
                limit={"rank": "at least 1", "dimensions": "at least 1"},
                verdict=Verdict.BUILD_FAILS,
            )
