"""RK208: an operator on int32 or int64 that has no kernel or ends the build, written with those that run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import EXACT, Tolerance
from rkgraph.rulebook.known import lower
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.whole_numbers import never_zero
from rkgraph.rulebook.whole_operators import BITWISE, DIVISIONS, OPERATORS, Call

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import Finding, LintContext
    from rkgraph.rulebook.writer import Writer

_DTYPES = ("int32", "int64")

# What has its own rule, or what `OPERATORS` writes as it stands: there is nothing to gain.
_LEFT_OUT = frozenset(
    {"Add", "Sub", "Mul", "ReduceSum", "Min", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"}
)


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live operator on int32 or int64 that cannot run as it is."""
    for graph, node in needing(lint, OPERATORS.keys() - _LEFT_OUT):
        if _dtype(graph, node) in _DTYPES and not (node.op in DIVISIONS and never_zero(graph, node.inputs[1])):
            yield not_as_it_is(lint, graph, node, "with sums, products and Max of whole numbers it runs, exactly")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same numbers from operators that run."""
    return lower(lint, finding, "rk208", _write)


def _write(graph: GraphView, node: Node, w: Writer) -> Rewrite:
    output, dtype = node.outputs[0], _dtype(graph, node)
    write, _ = OPERATORS[node.op]
    if node.op in BITWISE and dtype == "int32":
        operands = tuple(w.cast(name, "int64") for name in node.inputs)
        result = w.cast(write(Call(w, graph, node, operands, dtype, "int64")), dtype)
    else:
        result = write(Call(w, graph, node, node.inputs, dtype, dtype))
    # ONNX Runtime 1.31 gives the sign of the lower 32 bits of an int64; the proof keeps to smaller numbers.
    tolerance = Tolerance(0.0, 1e-9) if (node.op, dtype) == ("Sign", "int64") else EXACT
    return w.rewrite({output: result}, tolerance, f"{node.op} of {dtype} from operators that run")


def _dtype(graph: GraphView, node: Node) -> str:
    return graph.value(node.outputs[0]).dtype or ""
