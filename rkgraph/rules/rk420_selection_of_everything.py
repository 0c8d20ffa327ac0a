"""RK420: a selection by constants that selects every element, in the order in which they lie."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product

from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Rewrite
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import NotKnown, axis_of, constant_of, lower, shape_of
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live one of the main graph."""
    main = lint.model.main
    if main.ops.isdisjoint(_PLACES):
        return
    for node in lint.live_nodes(main):
        if node.op in _PLACES and node.domain in ("", "ai.onnx") and _selects_everything(main, node):
            yield Finding(
                f"{node.label} selects every element of {node.inputs[0]} in the order in which they lie: a "
                f"{'Reshape' if _is_reshaped(main, node) else 'name'} for what is there already",
                node=node,
                observed={"operator": node.op, "elements": math.prod(shape_of(main, node.inputs[0]))},
                explains=frozenset({(main.path, node.index)}),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Read what it selects from."""
    return lower(lint, finding, "rk420", _write)


def _write(graph: GraphView, node: Node, write: Writer) -> Rewrite:
    source, result = node.inputs[0], node.outputs[0]
    if _is_reshaped(graph, node):
        new = write.reshape(source, shape_of(graph, result))
    else:  # an output of the model keeps its name, so it needs a node of its own
        new = write.op("Identity", source) if result in graph.outputs else source
    return write.rewrite({result: new}, EXACT, f"{node.op} of everything")


def _is_reshaped(graph: GraphView, node: Node) -> bool:
    return shape_of(graph, node.inputs[0]) != shape_of(graph, node.outputs[0])


def _selects_everything(graph: GraphView, node: Node) -> bool:
    """Whether the places that are selected are 0, 1, 2 … up to the last one."""
    try:
        count, places = _PLACES[node.op](graph, node)
        elements = math.prod(shape_of(graph, node.inputs[0]))
        same = math.prod(shape_of(graph, node.outputs[0])) == elements
    except NotKnown:
        return False
    return same and len(places) == count and all(place == index for index, place in enumerate(places))


def _along_axis(graph: GraphView, node: Node) -> tuple[int, Sequence[int]]:
    """Gather: places along one axis."""
    shape = shape_of(graph, node.inputs[0])
    size = shape[axis_of(node, len(shape), 0)]
    return size, [_counted(place, size) for place in constant_of(graph, node.inputs[1])]


def _of_tuples(graph: GraphView, node: Node) -> tuple[int, Sequence[int]]:
    """GatherND: tuples of places, counted through all axes that they speak of, those of the batch first."""
    shape, indices = shape_of(graph, node.inputs[0]), shape_of(graph, node.inputs[1])
    batch, width = int(node.attributes.get("batch_dims", 0)), indices[-1]
    numbers, sizes = constant_of(graph, node.inputs[1]), shape[: batch + width]
    tuples = [numbers[at : at + width] for at in range(0, len(numbers), width)]
    each = len(tuples) // math.prod(indices[:batch])
    batches = [place for place in product(*map(range, indices[:batch])) for _ in range(each)]
    return math.prod(sizes), [_flat((*b, *t), sizes) for b, t in zip(batches, tuples, strict=True)]


def _of_elements(graph: GraphView, node: Node) -> tuple[int, Sequence[int]]:
    """GatherElements: every element has a place along the axis; along the others it stays where it is."""
    shape, indices = shape_of(graph, node.inputs[0]), shape_of(graph, node.inputs[1])
    axis = axis_of(node, len(shape), 0)
    numbers = constant_of(graph, node.inputs[1])
    places = zip(product(*map(range, indices)), numbers, strict=True)
    return math.prod(shape), [_flat((*at[:axis], place, *at[axis + 1 :]), shape) for at, place in places]


def _flat(place: Sequence[int], sizes: Sequence[int]) -> int:
    """The number of an element, counted row by row."""
    number = 0
    for index, size in zip(place, sizes, strict=True):
        number = number * size + _counted(index, size)
    return number


def _counted(place: int, size: int) -> int:
    """Counted from the front; places beyond either end stay beyond."""
    return int(place) + size if place < 0 else int(place)


_PLACES: Mapping[str, Callable[[GraphView, Node], tuple[int, Sequence[int]]]] = {
    "Gather": _along_axis,
    "GatherElements": _of_elements,
    "GatherND": _of_tuples,
}
"""How many places there are, and the number of each that is selected, in order."""
