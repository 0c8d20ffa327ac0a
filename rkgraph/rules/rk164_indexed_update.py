"""RK164: ScatterElements, Scatter and ScatterND that cannot run, as selections."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import Edit, Refusal, Rewrite, Tolerance
from rkgraph.rulebook.generated import bounded
from rkgraph.rulebook.known import FLOATS, NotKnown, axis_of, dtype_of, lower, rounding, shape_of
from rkgraph.rulebook.lowering import CANNOT_RUN, SLOW, needing, not_as_it_is
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.scattering import Places, Updates, combined, sliced, spliced, updated
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rkgraph.graph.view import Constant, GraphView, Node

_ELEMENTS = frozenset({"Scatter", "ScatterElements"})
_ZEROS = Tolerance(1e-37, 0.0)
"""Where of ONNX Runtime makes 0 of −0, so bits are not compared."""

_CARRIED = {"int64": "int64", "int32": "int64", "bool": "float32"}
"""In which dtype numbers are selected that no Where takes, or that Max and sums of whole numbers are written for."""

_LARGEST_RANK = 4
"""Where of rank 5 and more ends the build of 2.3.2."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each scattering operator that cannot run."""
    for graph, node in needing(lint, _ELEMENTS | {"ScatterND"}, CANNOT_RUN | SLOW):
        if lint.judgement(node).outcome in CANNOT_RUN:
            yield not_as_it_is(lint, graph, node, "an update is a selection by comparing indices")
        elif node.op == "ScatterND" and _fails_with_constants(graph, node):
            yield Finding(
                f"{node.label} updates at constant places of {node.inputs[0]}, where the build often fails",
                graph=graph.path,
                node=node,
                observed={"operator": node.op, "rank": len(graph.value(node.inputs[0]).shape or ())},
                explains=frozenset({(graph.path, node.index)}),
            )


def _fails_with_constants(graph: GraphView, node: Node) -> bool:
    """Rank 1 or 5 and more, or tuples that name single elements: what the toolkit makes of constants fails there."""
    rank, indices = len(graph.value(node.inputs[0]).shape or ()), graph.constant(node.inputs[1])
    return indices is not None and (rank == 1 or rank > _LARGEST_RANK or indices.shape[-1:] == (rank,))


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Constant indices: slices put together, or a selection by a constant mask; computed ones: a comparison first."""
    return lower(lint, finding, "rk164", _scattered)


def _scattered(graph: GraphView, node: Node, writer: Writer) -> Rewrite:
    data, indices, updates = node.inputs[:3]
    shape, own = shape_of(graph, data), dtype_of(graph, data)
    dtype = own if own in FLOATS else _CARRIED.get(own)
    if dtype is None:
        raise NotKnown(f"{data} is {own}, which no selection takes")
    if dtype != own:
        data, updates = writer.cast(data, dtype), writer.cast(updates, dtype)
    reduction = str(node.attributes.get("reduction", "none"))
    constant, given = graph.constant(indices), Updates(updates, dtype, reduction)
    if constant is not None:
        new = _at_known_places(writer, data, given, _targets(node, shape, constant), shape)
    elif node.op in _ELEMENTS:
        new = _at_elements(graph, node, writer, data, given)
    else:
        new = _at_rows(graph, node, writer, data, given)
    new = writer.cast(new, own) if dtype != own else new
    how = "at known places" if constant is not None else "where indices are equal"
    tolerance = rounding(dtype, 4) if reduction in ("add", "mul") else _ZEROS
    return writer.rewrite({node.outputs[0]: new}, tolerance, f"{reduction}, {how}")


def _targets(node: Node, shape: tuple[int, ...], constant: Constant) -> npt.NDArray[np.int_]:
    """The flat place in the data of each update, in the order of the updates."""
    import numpy as np

    indices = np.array(constant.values, dtype=np.int64).reshape(constant.shape)
    if node.op in _ELEMENTS:
        axis = axis_of(node, len(shape), 0)
        places = [*np.indices(indices.shape)]
        places[axis : axis + 1] = [indices % shape[axis]]
        return np.asarray(np.ravel_multi_index(tuple(places), shape))
    count = constant.shape[-1]
    named = tuple(one % size for one, size in zip(np.moveaxis(indices, -1, 0), shape[:count], strict=True))
    rows = np.ravel_multi_index(named, shape[:count]).ravel()
    behind = math.prod(shape[count:])
    bounded("the places of all updates", (len(rows), behind))
    return np.asarray(rows[:, np.newaxis] * behind + np.arange(behind))


def _at_known_places(
    writer: Writer, data: str, given: Updates, targets: npt.NDArray[np.int_], shape: tuple[int, ...]
) -> str:
    import numpy as np

    if given.reduction == "none":
        bounded("the selection", shape)
        winners = np.full(math.prod(shape), -1)
        for number, target in enumerate(targets.ravel().tolist()):  # what comes later wins
            winners[target] = number
        whole = sliced(winners.reshape(shape), targets.size)
        if whole is not None:
            axis, _, count = whole
            laid_out = writer.reshape(given.name, (*shape[:axis], count, *shape[axis + 1 :]))
            found = spliced(writer, data, laid_out, whole)
            if found is not None:
                return found
    flat = shape if len(shape) <= _LARGEST_RANK else (1, math.prod(shape))
    return writer.reshape(combined(writer, writer.reshape(data, flat), given, targets, flat), shape)


def _at_elements(graph: GraphView, node: Node, writer: Writer, data: str, given: Updates) -> str:
    """Indices for each element. Where they cover less than the data in other dimensions, the rest is put around."""
    indices = node.inputs[1]
    shape, extent = shape_of(graph, node.inputs[0]), shape_of(graph, indices)
    axis = axis_of(node, len(shape), 0)
    region = [*extent[:axis], shape[axis], *extent[axis + 1 :]]
    cut = [place for place in range(len(shape)) if region[place] < shape[place]]
    part = writer.slice(data, cut, [0] * len(cut), [region[place] for place in cut]) if cut else data
    before, behind, count = math.prod(region[:axis]), math.prod(region[axis + 1 :]), extent[axis]
    flat = writer.reshape(indices, (before, count, behind))
    places = Places(before, shape[axis], behind, count, behind, flat, dtype_of(graph, indices))
    flat_updates = replace(given, name=writer.reshape(given.name, (before, count, behind)))
    value = writer.reshape(updated(writer, part, flat_updates, places), region)
    for place in cut:  # what lies behind the region along this dimension, as wide as it has become so far
        others = [other for other in cut if other > place]
        starts, ends = [region[place], *(0 for _ in others)], [shape[place], *(region[other] for other in others)]
        value = writer.concat([value, writer.slice(data, [place, *others], starts, ends)], place)
    return value


def _at_rows(graph: GraphView, node: Node, writer: Writer, data: str, given: Updates) -> str:
    """Indices that are tuples: each names a row, counted through all dimensions that the tuple speaks of."""
    indices = node.inputs[1]
    shape, (*many, width) = shape_of(graph, node.inputs[0]), shape_of(graph, indices)
    count, size, behind = math.prod(many), math.prod(shape[:width]), math.prod(shape[width:])
    kind = dtype_of(graph, indices)
    limits = writer.constant(list(shape[:width]), kind, "sizes")
    strides = writer.constant([math.prod(shape[place + 1 : width]) for place in range(width)], kind, "strides")
    steps = writer.op("Mul", writer.op("Mod", writer.reshape(indices, (1, count, width)), limits), strides)
    rows = writer.reduce("ReduceSum", steps, [2])
    places = Places(1, size, behind, count, 1, rows, kind)
    flat = replace(given, name=writer.reshape(given.name, (1, count, behind)))
    return writer.reshape(updated(writer, data, flat, places), shape)
