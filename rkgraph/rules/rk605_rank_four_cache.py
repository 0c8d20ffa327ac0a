"""RK605: a key-value cache of rank 4 that grows in the graph, which users saw corrupted on some boards."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Confidence
from rkgraph.graph.view import GraphView
from rkgraph.rulebook.rule import Finding, LintContext

PLATFORMS = frozenset({"rk3576"})
"""Where it was seen."""

RANK = 4


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each cache: an input that is joined with what is new, and leaves as an output."""
    main = lint.model.main
    if lint.target.platform not in PLATFORMS:
        return
    for name in main.inputs:
        present = _present(main, name)
        shape = main.value(name).shape
        if present is not None and shape is not None and len(shape) == RANK:
            yield Finding(
                f"the cache '{name}' has rank {RANK} and grows in the graph to '{present}'; on {lint.target.platform} "
                "users saw such caches corrupted, and none of rank 3: export it without the batch, keep it on the host",
                value=name,
                observed={"rank": RANK, "present": present},
                limit={"rank": RANK - 1},
                confidence=Confidence.FIELD_REPORT,
                fixable=False,
            )


def _present(graph: GraphView, past: str) -> str | None:
    """The output that the input `past` becomes when something is joined behind it."""
    for node in graph.consumers(past):
        if node.op == "Concat" and node.inputs[0] == past and node.outputs[0] in graph.outputs:
            return node.outputs[0]
    return None
