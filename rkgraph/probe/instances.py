"""The distinct operators of a user's model, each to be built by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rkgraph.analysis.constants import NotFoldable, fold
from rkgraph.analysis.folding import constancy
from rkgraph.graph.view import Constant
from rkgraph.probe.node_case import cases_of
from rkgraph.tables.signature import position_of, signature_of

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.probe.case import Case
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.tables.entry import Outcome

__all__ = ["Instance", "find_instances"]

_LARGEST_FOLDED = 64


@dataclass(frozen=True)
class Instance:
    """One operator as a model uses it.

    Attributes:
        op: with its domain where that is not the standard one.
        nodes: labels of the nodes that are this instance, in file order; never empty.
        predicted: what lint says.
        signature: `rkgraph.tables.signature.signature_of`; "" where it has none.
        cases: models of it: among neighbours such as it has, and alone; none where it cannot be cut out.
        why_not: why it cannot be.
    """

    op: str
    nodes: tuple[str, ...]
    predicted: Outcome
    signature: str = ""
    cases: tuple[Case, ...] = ()
    why_not: str = ""


def find_instances(context: LintContext, *, known_too: bool = False) -> list[Instance]:
    """The instances of the main graph that lint judges unknown, or with `known_too` all; each once, in file order.

    Nodes that disappear before lowering are none. What is inside a body or a function is built with what it is in.
    """
    graph = context.model.main
    is_constant = constancy(graph, context.folding.constant)
    found: dict[str, Instance] = {}
    for node in context.live_nodes(graph):
        outcome = context.judgement(node).outcome
        if outcome == "unknown" or known_too:
            each = _instance(node, graph, outcome, is_constant)
            key = each.signature or str(node.index)
            known = found.get(key)
            found[key] = each if known is None else replace(known, nodes=(*known.nodes, *each.nodes))
    return list(found.values())


def _instance(node: Node, graph: GraphView, outcome: Outcome, is_constant: Callable[[str], bool]) -> Instance:
    op = node.full_op
    signature = signature_of(node, graph, is_constant)
    if signature is None:
        return Instance(op, (node.label,), outcome, why_not=_why_not(node, graph))
    try:
        values = _Folded(graph, is_constant)
        positions = tuple(dict.fromkeys((position_of(node, graph, is_constant), "alone")))
        cases = cases_of(node, graph, is_constant=is_constant, value_of=values.of, positions=positions)
    except NotFoldable as error:
        return Instance(op, (node.label,), outcome, signature, why_not=error.message)
    if not cases:
        return Instance(op, (node.label,), outcome, signature, why_not=_why_not(node, graph))
    return Instance(op, (node.label,), outcome, signature, cases)


class _Folded:
    """Elements of constants, those that shape arithmetic comes to among them."""

    def __init__(self, graph: GraphView, is_constant: Callable[[str], bool]) -> None:
        self._graph = graph
        self._is_constant = is_constant

    def of(self, name: str) -> Constant | None:
        """None for large constants. Raises NotFoldable for small ones that cannot be evaluated."""
        known = self._graph.constant(name)
        value = self._graph.value(name)
        if known is not None or self._graph.is_constant(name) or not self._is_constant(name):
            return known
        elements = 1
        for size in value.shape or ():
            elements *= size if isinstance(size, int) else _LARGEST_FOLDED
        if elements > _LARGEST_FOLDED:
            return None
        array = fold(self._graph, name)
        return Constant(str(array.dtype), array.shape, tuple(array.ravel().tolist()))


def _why_not(node: Node, graph: GraphView) -> str:
    """Why a node has no case of its own, in words."""
    if node.subgraphs:
        return "it has a subgraph"
    names = [name for name in (*node.inputs, *node.outputs) if name]
    dynamic = next((name for name in names if not graph.value(name).is_static), None)
    if dynamic is not None:
        return f"the shape of {dynamic} is not known: pin the inputs with --shape"
    untyped = next((name for name in names if graph.value(name).dtype is None), None)
    if untyped is not None:
        return f"the dtype of {untyped} is not known"
    return "ONNX text cannot hold it"
