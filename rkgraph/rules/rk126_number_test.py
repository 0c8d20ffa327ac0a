"""RK126: IsNaN and IsInf, for which the board has no kernel."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.graph.rewrite import EXACT, Edit, Refusal
from rkgraph.rulebook.known import FLOATS
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

_INSTEAD = {"IsNaN": "NaN is what does not equal itself", "IsInf": "it is Equal with infinity"}
_FLOATS_ARE_EQUAL = 11  # the opset from which Equal compares floats


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each that cannot run as it is."""
    for graph, node in needing(lint, _INSTEAD):
        yield not_as_it_is(lint, graph, node, _INSTEAD[node.op])


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same test, as comparisons."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    (x,), (out,) = node.inputs, node.outputs
    dtype = graph.value(x).dtype
    if dtype not in FLOATS:
        return Refusal(f"{x} is {dtype or 'of unknown dtype'}")
    write = Writer(graph, f"rk126/{out}")
    if node.op == "IsNaN":
        return write.rewrite({out: _is_nan(write, x, dtype)}, EXACT, "not equal to itself")
    above, below = (bool(node.attributes.get(f"detect_{side}", 1)) for side in ("positive", "negative"))
    if not above and not below:
        return Refusal("it detects neither infinity, and is a constant")
    if below:
        x = write.op("Abs" if above else "Neg", x)
    return write.rewrite({out: _is_infinity(write, x, dtype)}, EXACT, "equal to infinity")


def _is_nan(write: Writer, x: str, dtype: str) -> str:
    """All numbers equal themselves, or else are below 1 or above 0."""
    if write.opset >= _FLOATS_ARE_EQUAL:
        return write.op("Not", write.op("Equal", x, x))
    below = write.op("Less", x, write.constant(1.0, dtype))
    above = write.op("Greater", x, write.constant(0.0, dtype))
    return write.op("And", write.op("Not", below), write.op("Not", above))  # Or has no kernel


def _is_infinity(write: Writer, x: str, dtype: str) -> str:
    """Plus infinity is positive, and not below itself."""
    infinity = write.constant(float("inf"), dtype, "infinity")
    if write.opset >= _FLOATS_ARE_EQUAL:
        return write.op("Equal", x, infinity)
    below = write.op("Less", x, infinity)
    return write.op("And", write.op("Not", below), write.op("Greater", x, write.constant(0.0, dtype)))
