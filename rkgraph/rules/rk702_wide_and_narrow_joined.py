"""RK702: values of very different ranges in one output, which has one scale in 8 bits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.analysis.attention import MOVES
from rkgraph.analysis.intervals import Intervals
from rkgraph.graph.cut import Cut
from rkgraph.graph.rewrite import Refusal
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext

WIDER = 32.0
"""A range so many times that of another leaves 8 steps of 256 for it."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Concat that leads to an output and joins ranges that differ by far."""
    main = lint.model.main
    joins = [node for node in main.nodes_of("Concat") if _ends_as_output(main, node.outputs[0])]
    for node in joins:
        largest = _largest(lint, main, [name for name in dict.fromkeys(node.inputs) if not main.is_constant(name)])
        if len(largest) > 1:
            wide, narrow = max(largest, key=largest.__getitem__), min(largest, key=largest.__getitem__)
            if largest[wide] > WIDER * largest[narrow] > 0:
                yield _finding(node, wide, narrow, largest)


def fix(lint: LintContext, finding: Finding) -> Cut | Refusal:
    """The host joins; the NPU gives each part by itself, with a scale of its own."""
    at = place_of(lint, finding)
    if isinstance(at, Refusal):
        return at
    graph, node = at
    moved = _moved(graph, node)
    if moved is None:
        return Refusal(f"{node.outputs[0]} is read by more than what hands it out")
    return Cut(moved, f"{node.label} on the host: {len(node.inputs)} outputs with a scale each")


def _moved(graph: GraphView, join: Node) -> frozenset[str] | None:
    """The Concat and all that moves its result about before it is handed out; None where something else reads it."""
    found, waiting = {join.outputs[0]}, [join]
    while waiting:
        for name in filter(None, waiting.pop().outputs):
            for reader in graph.consumers(name):
                if reader.op not in MOVES or reader.domain not in ("", "ai.onnx"):
                    return None
                if reader.outputs[0] not in found:
                    found.add(reader.outputs[0])
                    waiting.append(reader)
    return frozenset(found)


def _finding(node: Node, wide: str, narrow: str, largest: dict[str, float]) -> Finding:
    steps = 256 * largest[narrow] / largest[wide]
    return Finding(
        f"an output joins {wide}, up to {largest[wide]:.4g}, with {narrow}, up to {largest[narrow]:.4g}: in 8 bits "
        f"they share one scale, which leaves {steps:.2g} steps for {narrow}",
        node=node,
        observed={"wide": f"{wide}: {largest[wide]:.4g}", "narrow": f"{narrow}: {largest[narrow]:.4g}"},
        limit={"ratio": WIDER},
        roots=("RK604",),
    )


def _largest(lint: LintContext, graph: GraphView, names: list[str]) -> dict[str, float]:
    """The largest magnitude of each value: on the samples, or by its interval where that is bounded."""
    seen = lint.observed.of(names)
    intervals = Intervals(graph)
    found = {}
    for name in names:
        if name in seen:
            found[name] = seen[name].largest
        elif not lint.observed:
            interval = intervals.of(name)
            bound = max(abs(interval.low), abs(interval.high))
            if bound < float("inf"):
                found[name] = bound
    return found


def _ends_as_output(graph: GraphView, name: str) -> bool:
    """Whether a value is an output of the model, or is only moved about before it becomes one."""
    waiting, seen = [name], {name}
    while waiting:
        value = waiting.pop()
        if value in graph.outputs:
            return True
        moved = [node for node in graph.consumers(value) if node.op in MOVES and node.domain in ("", "ai.onnx")]
        fresh = [each for node in moved for each in node.outputs if each and each not in seen]
        seen.update(fresh)
        waiting.extend(fresh)
    return False
