"""RK115: an output that is left out before one that is not."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Rewrite, Tape
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each node that has a nameless output before a named one."""
    for graph in lint.model.graphs():
        for node in graph.nodes:
            named = [index for index, name in enumerate(node.outputs) if name]
            omitted = [index for index in range(max(named, default=0)) if index not in named]
            if omitted:
                yield Finding(
                    f"{node.op} leaves out its output {omitted[0]} and has output {named[-1]}; the toolkit hands the "
                    "node with its nameless output to ONNX Runtime, which refuses it",
                    graph=graph.path,
                    node=node,
                    observed={"outputs": list(node.outputs)},
                    limit={"omitted outputs": "only behind all others"},
                    verdict=Verdict.BUILD_FAILS,
                    explains=frozenset({(graph.path, node.index)}),
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same node with a name for every output; what nobody reads costs nothing."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    _, node = place
    tape = Tape(f"rk115/{next(name for name in node.outputs if name)}")
    new = tape.ops(node.op, *node.inputs, count=len(node.outputs), domain=node.domain, **node.attributes)
    replaces = {old: name for old, name in zip(node.outputs, new, strict=True) if old}
    return Rewrite(replaces, tape, EXACT, detail="every output has a name")
