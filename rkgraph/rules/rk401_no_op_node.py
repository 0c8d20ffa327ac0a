"""RK401: a node that hands on its input as it is."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Rewrite, Tape
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.no_ops import handed_on
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live node of the main graph that changes nothing."""
    main = lint.model.main
    for node in lint.live_nodes(main):
        source = handed_on(main, node)
        if source is not None:
            yield Finding(
                f"{node.op} hands on {source} unchanged",
                node=node,
                observed={"operator": node.op, "source": source},
                fixable=_is_free(main, node),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Let the readers of the node read what it reads; a chain of such nodes is followed to its beginning."""
    main, node = lint.model.main, finding.node
    if node is None:
        return Refusal("the finding names no node")
    source, via = handed_on(main, node), 1
    while source is not None and (maker := main.producer(source)) is not None:
        earlier = handed_on(main, maker)
        if earlier is None:
            break
        source, via = earlier, via + 1
    if source is None:
        return Refusal(f"{node.label} changes its input")
    detail = f"{node.op} removed" if via == 1 else f"{node.op} removed, with {via - 1} like it in front of it"
    return Rewrite({node.outputs[0]: source}, Tape(f"rk401/{node.outputs[0]}"), EXACT, detail=detail)


def _is_free(graph: GraphView, node: Node) -> bool:
    """An output of the model keeps its name, so a node between an input and an output has to stay."""
    return node.outputs[0] not in graph.outputs
