"""RK163: elements selected by constant numbers, where that fails or runs on the CPU, as Slice and Gather."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from rkgraph.diagnostics import Severity
from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Rewrite
from rkgraph.rulebook.generated import bounded
from rkgraph.rulebook.known import FLOATS, NotKnown, axis_of, constant_of, lower, shape_of
from rkgraph.rulebook.lowering import CANNOT_RUN, SLOW, needing, not_as_it_is
from rkgraph.rulebook.narrow import NARROW
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.slicing import Cut, is_of_sliced_rows, is_space_to_depth, read_slice
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

_LARGEST_RANK = 4
"""Up to which a Gather by constant indices runs on the NPU wherever it stands."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each selection by constants that cannot run, or is better off as a Gather."""
    for graph, node in needing(lint, _WRITTEN, CANNOT_RUN | SLOW | {"npu"}):
        if graph.value(node.inputs[0]).dtype in NARROW - {"int8"}:
            continue  # no selection of these runs; RK206 brings them into another dtype
        outcome = lint.judgement(node).outcome
        if outcome in CANNOT_RUN:
            yield not_as_it_is(lint, graph, node, "Slice and Gather select the same elements")
        elif _is_better_gathered(graph, node, outcome):
            yield Finding(
                f"{node.label} selects by constants: a Gather of them runs on the NPU",
                graph=graph.path,
                node=node,
                observed={"operator": node.op, "outcome": outcome},
                severity=Severity.ERROR if outcome == "npu" else Severity.WARNING,
                explains=frozenset({(graph.path, node.index)}),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same elements in the same order."""
    return lower(lint, finding, "rk163", lambda graph, node, writer: _WRITTEN[node.op](graph, node, writer))


def _is_better_gathered(graph: GraphView, node: Node, outcome: str) -> bool:
    """Strided slices and GatherND on the CPU; GatherElements of rank 1, which ends the build.

    Of a Gather along rows or channels the compiler makes a product with a matrix of zeros and ones, which must not be
    larger than the data.
    """
    value = graph.value(node.inputs[0])
    rank = len(value.shape or ())
    if value.dtype not in FLOATS or not rank:
        return False
    if node.op == "GatherElements":
        return rank == 1 and graph.constant(node.inputs[1]) is not None
    try:
        elements = math.prod(shape_of(graph, node.inputs[0]))
        if node.op == "GatherND":
            places, rows = _rows_of(graph, node)
            return outcome in SLOW and len(places) * rows <= elements
        return node.op == "Slice" and _is_better_sliced(graph, node, outcome, elements)
    except NotKnown:
        return False


def _is_better_sliced(graph: GraphView, node: Node, outcome: str, elements: int) -> bool:
    strided = [cut for cut in read_slice(graph, node) if cut.step != 1]
    if len(graph.value(node.inputs[0]).shape or ()) > _LARGEST_RANK:
        return any(cut.step < 0 for cut in strided)  # these kill the toolkit, wherever the table has the node
    small = all(len(cut.places) * cut.size <= elements for cut in strided)
    usual = not is_space_to_depth(graph, node) and not is_of_sliced_rows(graph, node)
    return bool(strided) and small and outcome in SLOW and usual


def _sliced(graph: GraphView, node: Node, writer: Writer) -> Rewrite:
    """Axes with a step of 1 are sliced, the others gathered. With many dimensions, axis by axis, flattened to three."""
    cuts = read_slice(graph, node)
    shape, value = list(shape_of(graph, node.inputs[0])), node.inputs[0]
    folded = len(shape) > _LARGEST_RANK
    plain = [cut for cut in cuts if cut.step == 1]
    if plain and not folded:
        value = writer.slice(
            value, [c.axis for c in plain], [c.places[0] for c in plain], [c.places[-1] + 1 for c in plain]
        )
    for cut in cuts if folded else [cut for cut in cuts if cut.step != 1]:
        if folded:
            before, behind = math.prod(shape[: cut.axis]), math.prod(shape[cut.axis + 1 :])
            value = writer.reshape(value, (before, shape[cut.axis], behind))
        value = _along(writer, value, cut, 1 if folded else cut.axis)
        shape[cut.axis] = len(cut.places)
    value = writer.reshape(value, shape) if folded else value
    return writer.rewrite({node.outputs[0]: value}, EXACT, f"{len(cuts)} axes")


def _along(writer: Writer, value: str, cut: Cut, axis: int) -> str:
    if cut.step == 1:
        return writer.slice(value, [axis], [cut.places[0]], [cut.places[-1] + 1])
    return writer.op("Gather", value, writer.integers(cut.places, "places"), axis=axis)


def _gathered(graph: GraphView, node: Node, writer: Writer) -> Rewrite:
    """Gather: a single number is a Slice; numbers in several dimensions are gathered in one and reshaped."""
    shape = shape_of(graph, node.inputs[0])
    axis, places = axis_of(node, len(shape), 0), constant_of(graph, node.inputs[1])
    places = tuple(int(place) % shape[axis] for place in places)
    if len(places) == 1:
        value = writer.slice(node.inputs[0], [axis], [places[0]], [places[0] + 1])
    else:
        value = writer.op("Gather", node.inputs[0], writer.integers(places, "places"), axis=axis)
    result = shape_of(graph, node.outputs[0])
    return writer.rewrite({node.outputs[0]: writer.reshape(value, result)}, EXACT, f"{len(places)} places")


def _elements(graph: GraphView, node: Node, writer: Writer) -> Rewrite:
    """GatherElements: the flat numbers of the elements, gathered from the flat input."""
    import numpy as np

    shape, indices = shape_of(graph, node.inputs[0]), graph.constant(node.inputs[1])
    if indices is None:
        raise NotKnown(f"{node.inputs[1]} is not a small constant")
    axis = axis_of(node, len(shape), 0)
    places = [*np.indices(indices.shape)]
    places[axis : axis + 1] = [np.reshape(indices.values, indices.shape) % shape[axis]]
    flat = np.ravel_multi_index(tuple(places), shape).ravel().tolist()
    bounded("the input", shape)
    rows = writer.reshape(node.inputs[0], (-1,)) if len(shape) > 1 else node.inputs[0]
    value = writer.op("Gather", rows, writer.integers(flat, "places"), axis=0)
    value = writer.reshape(value, indices.shape) if len(shape) > 1 else value
    return writer.rewrite({node.outputs[0]: value}, EXACT, f"{len(flat)} elements")


def _rows_of(graph: GraphView, node: Node) -> tuple[list[int], int]:
    """The flat numbers of the rows that a GatherND selects, and how many rows there are."""
    import numpy as np

    shape, indices = shape_of(graph, node.inputs[0]), graph.constant(node.inputs[1])
    if indices is None or not indices.shape:
        raise NotKnown(f"{node.inputs[1]} is not a small constant")
    batch, width = int(node.attributes.get("batch_dims", 0)), indices.shape[-1]
    named = shape[: batch + width]
    table = np.reshape(indices.values, indices.shape)
    alike = [*np.indices(table.shape[:-1])[:batch]]
    tuples = [np.moveaxis(table, -1, 0)[place] % shape[batch + place] for place in range(width)]
    return np.ravel_multi_index((*alike, *tuples), named).ravel().tolist(), math.prod(named)


def _tuples(graph: GraphView, node: Node, writer: Writer) -> Rewrite:
    """GatherND: rows, counted through all dimensions that the tuples speak of."""
    places, rows = _rows_of(graph, node)
    table = writer.reshape(node.inputs[0], (rows, -1))
    value = writer.op("Gather", table, writer.integers(places, "rows"), axis=0)
    result = shape_of(graph, node.outputs[0])
    return writer.rewrite({node.outputs[0]: writer.reshape(value, result)}, EXACT, f"{len(places)} rows of {rows}")


_WRITTEN: Mapping[str, Callable[[GraphView, Node, Writer], Rewrite]] = {
    "Slice": _sliced,
    "Gather": _gathered,
    "GatherElements": _elements,
    "GatherND": _tuples,
}
