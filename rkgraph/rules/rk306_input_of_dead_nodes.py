"""RK306: an input that feeds only nodes which feed no output."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Verdict
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each input whose readers are all dead; an input that nothing reads is dropped in time."""
    main = lint.model.main
    for name in main.inputs:
        readers = [node for node in main.consumers(name) if (node.path, node.index) not in lint.folding.constant]
        is_dead = readers and all((node.path, node.index) in lint.folding.dead for node in readers)
        if is_dead and name not in main.captured and name not in main.outputs:
            yield Finding(
                f"the input '{name}' is read by {', '.join(node.label for node in readers)} only, which feeds no "
                "output; the toolkit drops the nodes, not the input, and ends",
                value=name,
                observed={"readers": [node.label for node in readers]},
                limit={"readers": "none, or one that an output needs"},
                verdict=Verdict.BUILD_FAILS,
            )
