"""RK513: a table of two rows, looked up by an input: token types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import Between, Tolerance
from rkgraph.rulebook.known import NotKnown, float_of, lower, shape_of
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer

ROWS = 2
WHOLE = frozenset({"int64", "int32"})


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each lookup of rows of a constant of two, by an input that nothing else reads."""
    main = lint.model.main
    for node in main.nodes_of("Gather"):
        table, rows = main.value(node.inputs[0]), node.inputs[1]
        if (node.path, node.index) in lint.folded or not lint.is_constant(main, node.inputs[0]):
            continue
        shape = table.shape or ()
        if len(shape) != ROWS or shape[0] != ROWS or node.attributes.get("axis", 0) % len(shape):
            continue
        if rows in main.inputs and main.value(rows).dtype in WHOLE and len(main.consumers(rows)) == 1:
            yield Finding(
                f"{node.label} looks up one of two rows on the CPU, and '{rows}' does nothing else",
                node=node,
                observed={"input": rows, "rows": ROWS},
                evidence=("rewrites:two-row-lookup",),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The first row, and the difference of both times the row number."""
    return lower(lint, finding, "rk513", _write)


def _write(graph: GraphView, node: Node, w: Writer) -> Rewrite:
    table, rows = node.inputs
    dtype = float_of(graph, table)
    shape = shape_of(graph, rows)
    if not shape:
        raise NotKnown(f"{rows} is a scalar")
    first, second = (w.slice(table, [0], [row], [row + 1]) for row in range(ROWS))
    numbers = w.unsqueeze(w.cast(rows, dtype), [len(shape)])
    new = w.op("Add", w.op("Mul", numbers, w.op("Sub", second, first)), first)
    # first + (second − first): three roundings of numbers no larger than the sum of both.
    return w.rewrite(
        {node.outputs[0]: new},
        Tolerance(1e-5, 1e-5) if dtype != "float16" else Tolerance(2e-3, 2e-3),
        "row 0 and n times the difference",
        within={rows: Between(0, ROWS - 1, integer=True)},
    )
