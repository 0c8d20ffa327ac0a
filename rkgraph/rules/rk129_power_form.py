"""RK129: Pow in forms that do not build or run on the CPU, as powers that the NPU has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Tolerance
from rkgraph.rulebook.elementwise import lowered
from rkgraph.rulebook.lowering import CANNOT_RUN, SLOW, needing, not_as_it_is
from rkgraph.rulebook.pattern import scalar
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

# The NPU has −0.5, 0.5, 1, 2 and 3; these are powers of powers, or a product (1.5).
CHAINS: Mapping[float, tuple[float, ...]] = {
    0.25: (0.5, 0.5),
    4.0: (2.0, 2.0),
    6.0: (2.0, 3.0),
    8.0: (2.0, 2.0, 2.0),
    9.0: (3.0, 3.0),
}
_ROOTED = 1.5


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each base of a lower rank that does not build, and each exponent that the NPU has in steps."""
    for graph, node in needing(lint, ("Pow",), CANNOT_RUN | SLOW):
        exponent = scalar(graph, node.inputs[1])
        if lint.judgement(node).outcome == "build-fails":
            if _missing(graph, node):
                yield not_as_it_is(lint, graph, node, "its base has fewer dimensions than its exponent")
        elif (
            lint.judgement(node).outcome in SLOW and (exponent in CHAINS or exponent == _ROOTED) and _fits(graph, node)
        ):
            yield not_as_it_is(lint, graph, node, f"the NPU has x^{exponent:g} in steps")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The base with all dimensions of the result, or a chain of powers."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    x, out = node.inputs[0], node.outputs[0]
    write = Writer(graph, f"rk129/{out}")
    if _missing(graph, node):
        shape = graph.value(out).shape or ()
        sizes = [size for size in shape if isinstance(size, int)]
        if len(sizes) < len(shape) or not shape:
            return Refusal(f"the shape of {out} is dynamic; pin the inputs")
        # A base of size 1 in front builds as well, and is stretched along the wrong axis.
        wider = write.op("Expand", x, write.integers(sizes, "shape"))
        return write.rewrite({out: write.op("Pow", wider, node.inputs[1])}, EXACT, "the base with all dimensions")
    return lowered(lint, finding, _chain, prefix="rk129", tolerance=Tolerance(1e-30, 1e-5), detail="powers in steps")


def _chain(write: Writer, node: Node, inputs: tuple[str, ...], dtype: str) -> str:
    x, exponent = inputs[0], scalar(write.graph, node.inputs[1])
    if exponent == _ROOTED:
        return write.op("Mul", x, write.op("Sqrt", x))
    for step in CHAINS[exponent or 0.0]:
        x = write.op("Pow", x, write.constant(step, dtype, "exponent"))
    return x


def _missing(graph: GraphView, node: Node) -> int:
    """How many dimensions the exponent has more than the base; 0 where one of them is unknown."""
    base, exponent = (graph.value(name).shape for name in node.inputs)
    return 0 if base is None or exponent is None else max(0, len(exponent) - len(base))


def _fits(graph: GraphView, node: Node) -> bool:
    """Whether base and exponent are floats of one dtype, and the base has the shape of the result."""
    base, exponent, out = (graph.value(name) for name in (*node.inputs, node.outputs[0]))
    return (
        base.dtype == exponent.dtype == out.dtype and base.shape == out.shape and (base.dtype or "").startswith("float")
    )
