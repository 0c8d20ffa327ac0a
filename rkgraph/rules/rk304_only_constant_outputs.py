"""RK304: a model of which nothing is left after constant folding."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.analysis.origins import Origin
from rkgraph.diagnostics import Verdict
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding where no output of the model depends on an input."""
    main = lint.model.main
    if main.outputs and all(lint.origin(main, name) is Origin.FIXED for name in main.outputs):
        yield Finding(
            "no output depends on an input: everything folds to constants, and the compiler refuses what is left",
            observed={"constant outputs": list(main.outputs)},
            limit={"outputs": "at least one depends on an input"},
            verdict=Verdict.BUILD_FAILS,
        )
