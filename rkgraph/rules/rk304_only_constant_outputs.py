"""RK304: a model of which nothing is left after constant folding."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import Edit, Refusal
from rkgraph.rulebook.constant_outputs import is_folded, tied_to_an_input
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding where the toolkit folds every output, or where there is no node at all."""
    main = lint.model.main
    if not main.nodes:
        yield Finding(
            "the model has no nodes, and the compiler refuses it",
            observed={"nodes": 0},
            limit={"nodes": "at least 1"},
            verdict=Verdict.BUILD_FAILS,
            fixable=False,
        )
    elif main.outputs and all(is_folded(lint, name) for name in main.outputs):
        yield Finding(
            "no output depends on an input: everything folds to constants, and the compiler refuses what is left",
            observed={"constant outputs": list(main.outputs)},
            limit={"outputs": "at least one depends on an input"},
            verdict=Verdict.BUILD_FAILS,
        )


def fix(lint: LintContext, _finding: Finding) -> Edit | Refusal:
    """Each constant plus a zero that is made of one element of an input."""
    outputs = lint.model.main.outputs
    return tied_to_an_input(lint, outputs, f"rk304/{outputs[0]}")
