"""RK319: nodes that feed no output, and which the toolkit runs all the same."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Severity
from rkgraph.graph.rewrite import DropNodes, Edit, Refusal
from rkgraph.graph.view import GraphView
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for the main graph, where it has nodes that nothing needs."""
    main = lint.model.main
    dead = _unneeded(main)
    if dead:
        labels = [main.nodes[index].label for index in sorted(dead)]
        told = ", ".join(labels[:4]) + (" …" if len(labels) > 4 else "")
        yield Finding(
            f"{len(labels)} {'node feeds' if len(labels) == 1 else 'nodes feed'} no output ({told}); the toolkit runs "
            "and checks them before it drops them",
            observed={"nodes": labels},
            limit={"dead nodes": 0},
            severity=Severity.NOTE,
        )


def fix(lint: LintContext, _finding: Finding) -> Edit | Refusal:
    """The model without them."""
    return DropNodes(_unneeded(lint.model.main))


def _unneeded(main: GraphView) -> frozenset[int]:
    """The nodes of `main`, by index, that no output needs; constants that nothing reads are no nodes to speak of."""
    needed = set(main.outputs)
    dead = set()
    for node in reversed(main.nodes):
        if needed.isdisjoint(node.outputs):
            dead.add(node.index)
        else:
            needed.update(node.reads)
    return frozenset(dead) if any(main.nodes[index].op != "Constant" for index in dead) else frozenset()
