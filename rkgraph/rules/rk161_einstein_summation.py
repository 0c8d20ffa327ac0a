"""RK161: an Einsum that the compiler does not decompose, as matrix products."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.analysis.einsum import read_equation, sizes_of
from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
from rkgraph.rulebook.contraction import write_sum
from rkgraph.rulebook.known import NotKnown, float_of, lower, rounding, shape_of
from rkgraph.rulebook.lowering import SLOW, needing, not_as_it_is
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

_SMALLEST_RANK = 3
"""Of an operand that the compiler decomposes wrongly; sums of matrices are right."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Einsum that cannot run, or that the compiler is known to decompose wrongly."""
    for graph, node in needing(lint, {"Einsum"}):
        yield not_as_it_is(lint, graph, node, "the same sum can be written with MatMul")
    for graph, node in needing(lint, {"Einsum"}, SLOW | {"npu"}):
        if _sums_up_leading_dimensions(graph, node):
            yield Finding(
                f"{node.label} sums up leading dimensions of one operand, and the build fails while it is decomposed",
                graph=graph.path,
                node=node,
                observed={"equation": node.attributes.get("equation")},
                verdict=Verdict.BUILD_FAILS,
                explains=frozenset({(graph.path, node.index)}),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Diagonals picked, single labels summed, then operand by operand a matrix product."""
    return lower(lint, finding, "rk161", _summation)


def _sums_up_leading_dimensions(graph: GraphView, node: Node) -> bool:
    """One operand of rank 3 or more, of which two dimensions or more are left that are not the first ("bij->ij")."""
    rank = len(graph.value(node.inputs[0]).shape or ())
    if len(node.inputs) != 1 or rank < _SMALLEST_RANK:
        return False
    try:
        equation = read_equation(str(node.attributes.get("equation", "")), [rank])
    except ValueError:
        return False
    count = len(equation.result)
    return 2 <= count < rank and sorted(equation.result) != sorted(equation.operands[0][:count])


def _summation(graph: GraphView, node: Node, writer: Writer) -> Rewrite:
    shapes = [shape_of(graph, name) for name in node.inputs]
    dtype = float_of(graph, node.inputs[0])
    try:
        equation = read_equation(str(node.attributes.get("equation", "")), [len(shape) for shape in shapes])
        sizes = sizes_of(equation, shapes)
    except ValueError as reason:
        raise NotKnown(f"{node.label}: {reason}") from reason
    new = write_sum(writer, equation, node.inputs, sizes)
    terms = max((size for label, size in sizes.items() if label not in equation.result), default=1)
    detail = f"{node.attributes.get('equation')} as {' · '.join(made.op for made in writer.tape.nodes)}"
    return writer.rewrite({node.outputs[0]: new}, rounding(dtype, terms), detail)
