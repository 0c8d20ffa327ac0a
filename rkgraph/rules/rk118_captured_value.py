"""RK118: a body that reads a value from around its node."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.analysis.origins import captured, subgraphs
from rkgraph.diagnostics import Verdict
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each node of the main graph whose body reads what is not an input of the node.

    A node that depends on constants only is folded first, with what its body reads.
    """
    main = lint.model.main
    for node in main.nodes:
        if (node.path, node.index) in lint.folding.constant:
            continue
        read = {name for body in subgraphs(node) for name in captured(body)}
        strange = sorted(read - set(node.inputs))
        if strange:
            yield Finding(
                f"the body of {node.op} reads {', '.join(strange)} from around it; the toolkit runs the node by "
                "itself, with nothing but its inputs",
                node=node,
                observed={"captured": strange},
                limit={"captured": "only inputs of the node"},
                verdict=Verdict.BUILD_FAILS,
                explains=frozenset({(node.path, node.index)}),
            )
