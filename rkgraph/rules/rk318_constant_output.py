"""RK318: an output that is a constant, beside others that are not: the compiled model does not have it."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.graph.rewrite import Edit, Refusal
from rkgraph.rulebook.constant_outputs import is_folded, tied_to_an_input
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each output that folds, where not all do (then nothing is compiled at all: RK304)."""
    outputs = lint.model.main.outputs
    folded = [name for name in outputs if is_folded(lint, name)]
    for name in folded if len(folded) < len(outputs) else ():
        yield Finding(
            f"the output '{name}' is a constant: the compiled model does not return it, and has "
            f"{len(outputs) - len(folded)} of {len(outputs)} outputs",
            value=name,
            observed={"outputs": len(outputs) - len(folded)},
            limit={"outputs": len(outputs)},
        )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The constant plus a zero that is made of one element of an input."""
    name = finding.value or ""
    return tied_to_an_input(lint, [name], f"rk318/{name}")
