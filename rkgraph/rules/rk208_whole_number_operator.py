"""RK208: an operator on int32 or int64 that has no kernel or ends the build, written with those that run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import EXACT, Tolerance
from rkgraph.rulebook.known import lower
from rkgraph.rulebook.lowering import CANNOT_RUN, needing, not_as_it_is
from rkgraph.rulebook.rule import Finding
from rkgraph.rulebook.whole_numbers import never_zero
from rkgraph.rulebook.whole_operators import BITWISE, DIVISIONS, OPERATORS, Call, assumed

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer

_DTYPES = ("int32", "int64")

# What has its own rule, or what `OPERATORS` writes as it stands: there is nothing to gain.
_LEFT_OUT = frozenset(
    {"Add", "Sub", "Mul", "ReduceSum", "Min", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"}
)


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live operator on int32 or int64 that cannot run as it is."""
    for graph, node in needing(lint, OPERATORS.keys() - _LEFT_OUT, CANNOT_RUN | {"npu", "cpu"}):
        if _dtype(graph, node) not in _DTYPES:
            continue
        if lint.judgement(node).outcome in CANNOT_RUN:
            if not (node.op in DIVISIONS and never_zero(graph, node.inputs[1])):
                yield not_as_it_is(lint, graph, node, "with sums, products and Max of whole numbers it runs, exactly")
        elif reason := _lost_anyway(lint, graph, node):
            place = frozenset({(graph.path, node.index)})
            yield Finding(reason, graph=graph.path, node=node, explains=place)


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same numbers from operators that run."""
    return lower(lint, finding, "rk208", _write)


def _write(graph: GraphView, node: Node, w: Writer) -> Rewrite:
    output, dtype = node.outputs[0], _dtype(graph, node)
    write, _ = OPERATORS[node.op]
    if dtype == "int32" and node.op in (*BITWISE, "MatMul"):
        operands = tuple(w.cast(name, "int64") for name in node.inputs)
        result = w.cast(write(Call(w, graph, node, operands, dtype, "int64")), dtype)
    else:
        result = write(Call(w, graph, node, node.inputs, dtype, dtype))
    # ONNX Runtime 1.31 looks at the lower 32 bits of an int64 to tell its sign; the proof keeps to smaller numbers.
    mistaken = dtype == "int64" and node.op in ("Relu", "Sign")
    tolerance = Tolerance(0.0, 1e-9) if mistaken else EXACT
    told = f"{node.op} of {dtype} from operators that run"
    return w.rewrite({output: result}, tolerance, told, assumes=assumed(graph, node))


def _dtype(graph: GraphView, node: Node) -> str:
    return graph.value(node.outputs[0]).dtype or ""


def _lost_anyway(lint: LintContext, graph: GraphView, node: Node) -> str:
    """Why a node that the table lets pass does not run all the same; "" if it does."""
    if node.op == "GatherElements" and lint.is_constant(graph, node.inputs[1]):
        return "the compiler makes an Einsum of floats of a GatherElements by constants, and dies of whole numbers"
    if node.op == "Clip" and _dtype(graph, node) == "int32" and any(node.inputs[1:]):
        return "the toolkit makes int64 of the bounds of an int32 Clip, and the simulator does not run that"
    return ""
