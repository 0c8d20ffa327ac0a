"""RK430: a Transpose that runs on the CPU, and that a neighbour could do without, if the user changes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.rulebook.rule import Finding
from rkgraph.rulebook.workload import value_bytes

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext

_PRODUCTS = frozenset({"Gemm", "MatMul"})


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Transpose of the main graph on the CPU for which there is a way out."""
    main = lint.model.main
    for node in main.nodes_of("Transpose"):
        if (node.path, node.index) in lint.folded or lint.judgement(node).outcome != "cpu":
            continue
        way = _way_out(main, node)
        if way is not None:
            moved = value_bytes(main, node.inputs[0])
            size = "" if moved is None else f" of {moved / 1024:.0f} KB"
            why = [violation.message for violation in lint.judgement(node).violations]
            yield Finding(
                f"the Transpose {node.label}{size} runs on the CPU, and need not be there: {way}",
                node=node,
                observed={"bytes": None if moved is None else int(moved), "why": why},
                evidence=lint.judgement(node).evidence,
                confidence=lint.judgement(node).confidence,
            )


def _way_out(graph: GraphView, node: Node) -> str | None:
    """What would make it unnecessary; None where nothing near it does."""
    name, made = node.inputs[0], node.outputs[0]
    readers = graph.consumers(made)
    if name in graph.inputs and graph.consumers(name) == (node,):
        return f"nothing else reads the input '{name}': feed it in the other order"
    if made in graph.outputs and not readers:
        return f"it only makes the output '{made}': hand its input out, and let the program turn it"
    if readers and all(_has_weights(graph, reader, made) for reader in readers) and _is_of_last_two(graph, node):
        return f"{readers[0].label} multiplies its result by constants: multiply the other way round, (A·B)ᵀ = Bᵀ·Aᵀ"
    return None


def _has_weights(graph: GraphView, reader: Node, name: str) -> bool:
    return reader.op in _PRODUCTS and any(graph.is_constant(other) for other in reader.inputs[:2] if other != name)


def _is_of_last_two(graph: GraphView, node: Node) -> bool:
    perm = _perm(graph, node)
    return perm is not None and perm == [*range(len(perm) - 2), len(perm) - 1, len(perm) - 2]


def _perm(graph: GraphView, node: Node) -> list[int] | None:
    given = node.attributes.get("perm")
    if given is not None:
        return [int(axis) for axis in given]
    shape = graph.value(node.inputs[0]).shape
    return None if shape is None else list(reversed(range(len(shape))))
