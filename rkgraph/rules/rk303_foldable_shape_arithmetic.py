"""RK303: nodes that compute, on every build and every run, what is known already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.analysis.constants import NotFoldable, fold, foldable_values
from rkgraph.analysis.origins import Origin
from rkgraph.diagnostics import Device
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.rule import Finding, LintContext

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal

# Larger results stay computed: folding an Expand would put its every copy into the file. In elements; a shape, an axis
# list, a mask row or a table of positions is far below, one weight matrix far above.
LARGEST = 65536


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each value that could be a constant, is computed by a node, and is read by one that stays."""
    main = lint.model.main
    foldable = foldable_values(main, lambda name: lint.origin(main, name) is Origin.FIXED, LARGEST)
    for node in main.nodes:
        for name in node.outputs:
            if name in foldable and _is_read_by_what_stays(main, name, foldable):
                yield _finding(main, node, name)


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Compute the value and write it down as a constant of the same shape."""
    from rkgraph.graph.rewrite import EXACT, Refusal, Rewrite, Tape

    name = finding.value or ""
    if _is_vector_of_a_range(lint.model.main, name):
        return Refusal("a Range reads this vector, which runtimes accept of a node, but not of a constant")
    try:
        array = fold(lint.model.main, name)
    except NotFoldable as error:
        return Refusal(str(error))
    tape = Tape(f"rk303/{name}")
    constant = tape.constant(array, array.dtype.name, "folded")
    return Rewrite({name: constant}, tape, EXACT, detail=f"{finding.observed['nodes']} nodes → one constant")


def _is_read_by_what_stays(graph: GraphView, name: str, foldable: frozenset[str]) -> bool:
    return any(foldable.isdisjoint(reader.outputs) for reader in graph.consumers(name))


def _is_vector_of_a_range(graph: GraphView, name: str) -> bool:
    """Whether a Range reads it though it is no scalar: constants are checked against the operator, nodes are not."""
    return graph.value(name).shape != () and any(reader.op == "Range" for reader in graph.consumers(name))


def _finding(graph: GraphView, node: Node, name: str) -> Finding:
    count = _cone(graph, node)
    return Finding(
        f"{name} is always the same, and {count} {'node computes' if count == 1 else 'nodes compute'} it",
        node=node,
        value=name,
        observed={"nodes": count},
        limit={"nodes": 0},
        device=Device.FOLDED,
    )


def _cone(graph: GraphView, node: Node) -> int:
    """How many nodes, constants aside, the node's outputs are computed by; a Shape needs no more than a shape."""
    waiting, seen = [node], {node.index}
    while waiting:
        current = waiting.pop()
        if current.op in ("Shape", "Size"):
            continue
        for name in current.inputs:
            producer = graph.producer(name)
            if producer is not None and producer.op != "Constant" and producer.index not in seen:
                seen.add(producer.index)
                waiting.append(producer)
    return len(seen)
