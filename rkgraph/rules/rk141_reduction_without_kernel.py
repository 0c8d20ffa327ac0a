"""RK141: reductions that the board or the compiler cannot do, written with those that they can."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rkgraph.graph.rewrite import EXACT, Between, Edit, Refusal, Rewrite
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import FLOATS, NotKnown, dtype_of, lower, reduced_axes, rounding, shape_of
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.reductions import PLAIN_RANK, Reduction, log_sum_exp, product
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

IN_STEPS = frozenset({"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin"})
COMPOSED = frozenset({"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceProd", "ReduceSumSquare"})
WIDE_INTEGERS = frozenset({"int32", "int64"})
OF_INTEGERS = frozenset({"ReduceL1", "ReduceProd", "ReduceSumSquare", *IN_STEPS})
"""What is the same arithmetic for whole numbers; roots and logarithms of them are cut off somewhere."""

HOW = {
    "ReduceL1": "it can be Abs and ReduceSum",
    "ReduceL2": "it can be Mul, ReduceSum and Sqrt",
    "ReduceLogSum": "it can be ReduceSum and Log",
    "ReduceLogSumExp": "it can be ReduceMax, Sub, Exp, ReduceSum, Log and Add",
    "ReduceProd": "it can be Mul of one half with the other",
    "ReduceSumSquare": "it can be Mul and ReduceSum",
}


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live reduction that cannot run as it is."""
    for graph, node in needing(lint, IN_STEPS | COMPOSED):
        if node.op in IN_STEPS and not _can_be_simpler(graph, node):
            continue
        yield not_as_it_is(lint, graph, node, HOW.get(node.op, "it can be done over one axis of three"))


def _can_be_simpler(graph: GraphView, node: Node) -> bool:
    """Whether a reduction that the compiler has is over many dimensions, or over none."""
    shape = graph.value(node.inputs[0]).shape
    return bool(node.attributes.get("noop_with_empty_axes", 0)) or len(shape or ()) > PLAIN_RANK


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Write the reduction with others."""
    return lower(lint, finding, "rk141", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    x = node.inputs[0]
    dtype, shape = dtype_of(graph, x), shape_of(graph, x)
    if dtype not in FLOATS and not (dtype in WIDE_INTEGERS and node.op in OF_INTEGERS):
        raise NotKnown(f"{node.op} of {dtype} is not rewritten")
    axes = reduced_axes(graph, node, len(shape))
    if not axes and node.attributes.get("noop_with_empty_axes", 0):
        return write.rewrite({node.outputs[0]: x}, EXACT, f"{node.op} over no axes hands on its input")
    reduction = Reduction(shape, axes, bool(node.attributes.get("keepdims", 1)))
    if node.op in IN_STEPS and len(shape) <= PLAIN_RANK:
        raise NotKnown(f"{node.op} of rank {len(shape)} is as simple as it can be")
    if len(shape) > PLAIN_RANK:
        collapsed = reduction.collapsed
        new = write.reshape(
            _composed(write, node.op, write.reshape(x, collapsed.shape), dtype, collapsed), reduction.result
        )
    else:
        new = _composed(write, node.op, x, dtype, reduction)
    detail = f"{node.op} over {list(axes)} of {list(shape)}"
    if dtype in FLOATS:
        return write.rewrite({node.outputs[0]: new}, rounding(dtype, reduction.count), detail)
    return write.rewrite({node.outputs[0]: new}, EXACT, detail, assumes={x: _fitting(node.op, dtype, reduction.count)})


def _fitting(op: str, dtype: str, count: int) -> Between:
    """The whole numbers of which no result overflows: there kernels differ, one wraps around and another saturates."""
    most = 2.0**31 - 1 if dtype == "int32" else 2.0**53
    if op == "ReduceProd":
        most **= 1.0 / count
    else:
        most /= count
    limit = math.floor(math.sqrt(most) if op == "ReduceSumSquare" else most)
    return Between(-limit, limit, integer=True)


def _composed(write: Writer, op: str, x: str, dtype: str, over: Reduction) -> str:
    """What `op` computes, with other operators."""
    if op in IN_STEPS:
        return over.write(write, op, x)
    if op == "ReduceProd":
        return product(write, x, over)
    if op == "ReduceLogSumExp":
        return log_sum_exp(write, x, dtype, over)
    if op == "ReduceL1":
        # Abs of whole numbers has no kernel, the larger of x and -x does
        return over.write(write, "ReduceSum", write.op("Abs", x) if dtype in FLOATS else _magnitude(write, x))
    if op == "ReduceLogSum":
        return write.op("Log", over.write(write, "ReduceSum", x))
    squares = over.write(write, "ReduceSum", write.op("Mul", x, x))
    return write.op("Sqrt", squares) if op == "ReduceL2" else squares


def _magnitude(write: Writer, x: str) -> str:
    return write.op("Max", x, write.op("Neg", x))
