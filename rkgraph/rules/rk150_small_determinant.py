"""RK150: the determinant of small matrices, by minors."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations

from rkgraph.graph.rewrite import Edit, Refusal, Rewrite, Tolerance
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import NotKnown, float_of, lower, rounding, shape_of
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

LARGEST = 8
"""Largest number of rows: n · 2^(n-1) products, 1,024 of them, which fp16 sums up to a few digits still."""

_ONE_BY_ONE = 3
"""Up to here each product is a node of its own; from here on all minors of a number of rows are one value."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live Det that cannot run as it is."""
    for graph, node in needing(lint, ("Det",)):
        yield not_as_it_is(lint, graph, node, "it can be sums of products")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Expand the determinant by its rows."""
    return lower(lint, finding, "rk150", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    x = node.inputs[0]
    dtype, shape = float_of(graph, x), shape_of(graph, x)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise NotKnown(f"{x} has the shape {shape}, which is none of square matrices")
    size, outer = shape[-1], math.prod(shape[:-2])
    if size > LARGEST:
        raise NotKnown(f"matrices of {size} rows are too large; up to {LARGEST} can be written out")
    flat = write.reshape(x, (outer, size * size))
    if size <= _ONE_BY_ONE:
        found = _determinant(write, write.split(flat, 1, [1] * (size * size)), size)
    else:
        found = _joint_minors(write, write.split(flat, 1, [size] * size), dtype)
    new = write.reshape(found, shape[:-2])
    once = rounding(dtype, math.factorial(size))
    # elimination, as ONNX Runtime has it, and minors differ by the roundings of the products that cancel
    return write.rewrite({node.outputs[0]: new}, Tolerance(once.absolute, 8 * once.relative), f"{size} rows")


def _determinant(write: Writer, elements: tuple[str, ...], size: int) -> str:
    """Minors of the last rows and of every choice of columns, one row more each time (Laplace expansion)."""
    minors: dict[tuple[int, ...], str] = {(column,): elements[(size - 1) * size + column] for column in range(size)}
    for row in reversed(range(size - 1)):
        bigger: dict[tuple[int, ...], str] = {}
        for columns in combinations(range(size), size - row):
            total = ""
            for place, column in enumerate(columns):
                rest = minors[columns[:place] + columns[place + 1 :]]
                term = write.op("Mul", elements[row * size + column], rest)
                total = write.op("Sub" if place % 2 else "Add", total, term) if total else term
            bigger[columns] = total
        minors = bigger
    return minors[tuple(range(size))]


def _joint_minors(write: Writer, rows: tuple[str, ...], dtype: str) -> str:
    """The same from `rows`, [outer, size] each: [outer, 1].

    The minors of the first k rows are one value, a column for each choice of k columns. They are sums of products of
    the row with minors of one row less, which constant matrices of zeros and ones bring into the same order.
    """
    import numpy as np

    size = len(rows)
    minors = rows[0]
    chosen: dict[tuple[int, ...], int] = {(column,): column for column in range(size)}
    for count in range(2, size + 1):
        wanted = {columns: place for place, columns in enumerate(combinations(range(size), count))}
        terms = len(wanted) * count
        row, rest, total = np.zeros((size, terms)), np.zeros((len(chosen), terms)), np.zeros((terms, len(wanted)))
        for columns, place in wanted.items():
            for left_out, column in enumerate(columns):
                term = place * count + left_out
                row[column, term] = 1
                rest[chosen[columns[:left_out] + columns[left_out + 1 :]], term] = 1
                total[term, place] = (-1) ** (count - 1 - left_out)
        products = write.op(
            "Mul",
            write.op("MatMul", rows[count - 1], write.constant(row, dtype, "columns")),
            write.op("MatMul", minors, write.constant(rest, dtype, "minors")),
        )
        minors, chosen = write.op("MatMul", products, write.constant(total, dtype, "signs")), wanted
    return minors
