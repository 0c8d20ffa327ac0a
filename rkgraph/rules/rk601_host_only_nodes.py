"""RK601: nodes that only the host can run, in a model of which the rest could run on the NPU."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rkgraph.analysis.work import works
from rkgraph.graph.cut import Cut
from rkgraph.graph.rewrite import Refusal
from rkgraph.graph.view import Node
from rkgraph.rulebook.hosting import HOST_ONLY, by_nature, host_only
from rkgraph.rulebook.rule import Finding, LintContext

SHOWN = 6


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for the model, where a part of it has to leave."""
    leaving = host_only(lint)
    gone = {node.index for node in leaving}
    staying = [node for node in lint.live_nodes(lint.model.main) if node.index not in gone]
    if not any(works(node) for node in staying):
        if leaving and all(by_nature(lint, node) for node in leaving):
            yield Finding(f"{HOST_ONLY} ({_told(leaving)})", explains=frozenset(), fixable=False)
        return
    if not leaving:
        return
    yield Finding(
        f"{len(leaving)} of {len(leaving) + len(staying)} nodes can run neither on the NPU nor in its runtime "
        f"({_told(leaving)}); what no other fix mends can be cut off, for the host",
        observed={"operators": dict(sorted(Counter(n.op for n in leaving).items())), "nodes": len(leaving)},
        explains=frozenset(),
    )


def fix(lint: LintContext, _finding: Finding) -> Cut | Refusal:
    """Run these nodes on the host."""
    leaving = host_only(lint)
    gone = {node.index for node in leaving}
    if not any(works(node) for node in lint.live_nodes(lint.model.main) if node.index not in gone):
        return Refusal(HOST_ONLY)
    names = frozenset(next(filter(None, node.outputs)) for node in leaving)
    ops = ", ".join(sorted({node.op for node in leaving}))
    return Cut(names, f"{ops} on the host", needed=True)


def _told(nodes: Sequence[Node]) -> str:
    """The operators of the nodes, the most frequent first."""
    counts = Counter(node.op for node in nodes)
    told = ", ".join(f"{n} × {op}" if n > 1 else op for op, n in counts.most_common(SHOWN))
    return told + (f" and {len(counts) - SHOWN} other operators" if len(counts) > SHOWN else "")
