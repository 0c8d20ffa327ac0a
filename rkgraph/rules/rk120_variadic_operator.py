"""RK120: the least, the mean, and the one operand of an operator that takes any number of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from math import ceil, log2

from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Tolerance
from rkgraph.graph.view import Node
from rkgraph.rulebook.elementary import Elementary
from rkgraph.rulebook.elementwise import lowered
from rkgraph.rulebook.lowering import CANNOT_RUN, SLOW, needing, not_as_it_is
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

_INSTEAD = {"Min": "it is −Max(−a, −b …)", "Mean": "it is a sum of parts"}
_WHOLE = ("int32", "int64")


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Min and Mean that cannot run, and each of these, Max and Sum that has one operand."""
    for graph, node in needing(lint, ("Min", "Mean", "Max", "Sum"), CANNOT_RUN | SLOW):
        if len(node.inputs) == 1:
            yield not_as_it_is(lint, graph, node, "of one operand it is that operand")
        elif node.op in _INSTEAD and lint.judgement(node).outcome in CANNOT_RUN:
            yield not_as_it_is(lint, graph, node, _INSTEAD[node.op])


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Max of negated operands; a sum of scaled operands; the one operand itself."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    out = node.outputs[0]
    dtype = graph.value(out).dtype
    if len(node.inputs) == 1:
        write = Writer(graph, f"rk120/{out}")
        return write.rewrite({out: write.op("Identity", node.inputs[0])}, EXACT, "the operand itself")
    if node.op == "Mean":
        return lowered(lint, finding, _mean, prefix="rk120", tolerance=Tolerance(1e-6, 1e-5), detail="a sum of parts")
    if dtype in _WHOLE:
        write = Writer(graph, f"rk120/{out}")
        return write.rewrite({out: _least_whole(write, node.inputs, dtype)}, EXACT, "the largest of −1 − x")
    return lowered(lint, finding, _least, prefix="rk120", tolerance=EXACT, detail="the largest of −x")


def _least(write: Writer, _node: Node, inputs: tuple[str, ...], _dtype: str) -> str:
    return write.op("Neg", _largest(write, [write.op("Neg", name) for name in inputs]))


def _least_whole(write: Writer, inputs: tuple[str, ...], dtype: str) -> str:
    """−1 − x turns the order round and never overflows, as −x does of the least number."""
    flip = write.constant(-1, dtype)
    return write.op("Sub", flip, _largest(write, [write.op("Sub", flip, name) for name in inputs]))


def _largest(write: Writer, inputs: list[str]) -> str:
    return reduce(lambda a, b: write.op("Max", a, b), inputs)


def _mean(write: Writer, _node: Node, inputs: tuple[str, ...], dtype: str) -> str:
    """Each operand is scaled by a power of two first, which costs no accuracy, so that the sum cannot overflow."""
    function = Elementary(write, dtype)
    scale = 2.0 ** ceil(log2(len(inputs)))
    total = reduce(lambda a, b: write.op("Add", a, b), [function.mul(name, 1 / scale) for name in inputs])
    return total if scale == len(inputs) else function.mul(total, scale / len(inputs))
