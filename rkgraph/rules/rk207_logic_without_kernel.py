"""RK207: logic on truth values for which the board has no kernel (Or, Xor), written with numbers 0 and 1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import EXACT
from rkgraph.rulebook.known import NotKnown, lower
from rkgraph.rulebook.lowering import needing, not_as_it_is

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import Finding, LintContext
    from rkgraph.rulebook.writer import Writer

OPS = ("And", "Not", "Or", "Xor")

_OR_EQUAL_SINCE = 12  # GreaterOrEqual, LessOrEqual
_HIGHEST_RANK = 5  # a Cast of truth values of rank 6 ends the build


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live logic operator that cannot run."""
    for graph, node in needing(lint, OPS):
        yield not_as_it_is(lint, graph, node, "as arithmetic of the numbers 0 and 1 it runs on the NPU")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same truth values, from sums and products of 0 and 1, or from the comparison that Or puts together."""
    return lower(lint, finding, "rk207", _write)


def _write(graph: GraphView, node: Node, w: Writer) -> Rewrite:
    order = _joined(graph, node)
    if order is not None:
        operator = f"{order.op}OrEqual"
        return w.rewrite({node.outputs[0]: w.op(operator, *order.inputs)}, EXACT, f"is {operator}")
    shape = graph.value(node.outputs[0]).shape
    if shape is None or len(shape) > _HIGHEST_RANK:
        raise NotKnown(f"the rank of {node.outputs[0]} is above {_HIGHEST_RANK} or not known: it cannot be cast")
    numbers = [w.cast(name, "float32") for name in node.inputs]
    match node.op:
        case "Or":
            result = w.op("Add", *numbers)
        case "Xor":
            result = w.op("Sub", *numbers)
        case "And":
            result = w.op("Mul", *numbers)
        case _:
            result = w.op("Sub", w.constant(1.0, "float32", "one"), *numbers)
    return w.rewrite({node.outputs[0]: w.cast(result, "bool")}, EXACT, f"{node.op} of 0 and 1 in floats")


def _joined(graph: GraphView, node: Node) -> Node | None:
    """The Greater (or Less) that an Or puts together with Equal of the same values; None for any other node."""
    if node.op != "Or" or graph.opset < _OR_EQUAL_SINCE:
        return None
    makers = [graph.producer(name) for name in node.inputs]
    if any(maker is None or maker.domain not in ("", "ai.onnx") for maker in makers):
        return None
    by_op = {maker.op: maker for maker in makers if maker is not None}
    order, equality = by_op.get("Greater") or by_op.get("Less"), by_op.get("Equal")
    same = order is not None and equality is not None and set(order.inputs) == set(equality.inputs)
    return order if same else None
