"""Values that depend on one vector of whole numbers and on constants: what they are for each of its numbers.

Positions of tokens and steps of a diffusion are such vectors, sines and cosines of their multiples such values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkgraph.analysis.constants import NotFoldable, node_proto, tensor_proto
from rkgraph.graph.view import Constant, GraphView, Node

if TYPE_CHECKING:
    from rkgraph.analysis.evaluator import Array

__all__ = ["Source", "source_of", "table_of"]

LONGEST_CHAIN = 24
"""Operators between the whole numbers and the value; those of real models have about ten."""

WHOLE = frozenset({"int32", "int64"})


@dataclass(frozen=True)
class Source:
    """The whole numbers `name`, of the static shape (1, …, 1, S), and the nodes that make the value, in file order."""

    name: str
    shape: tuple[int, ...]
    nodes: tuple[Node, ...]


def source_of(graph: GraphView, name: str) -> Source | None:
    """The computed whole numbers that the float value is made of; None where there are none, several, or others."""
    nodes: dict[int, Node] = {}
    found: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        value, node = graph.value(current), graph.producer(current)
        if graph.is_constant(current):
            if graph.constant(current) is None:
                return None  # too large to be looked at
        elif value.dtype in WHOLE:
            found.add(current)
        elif node is None or node.domain not in ("", "ai.onnx") or node.subgraphs:
            return None
        elif node.index not in nodes:
            nodes[node.index] = node
            waiting.extend(i for i in node.inputs if i)
        if len(nodes) > LONGEST_CHAIN or len(found) > 1:
            return None
    if not found or not nodes:
        return None
    (source,) = found
    shape = graph.value(source).shape or ()
    sizes = tuple(size for size in shape if isinstance(size, int))
    if not shape or len(sizes) < len(shape) or math.prod(sizes) != sizes[-1]:
        return None
    return Source(source, sizes, tuple(nodes[index] for index in sorted(nodes)))


def table_of(graph: GraphView, source: Source, name: str, rows: int) -> Array:
    """What the value is for each of the numbers 0 … `rows` − 1: (rows, R), R elements that belong to one number.

    Raises:
        NotFoldable: an element depends on several numbers, or the nodes are bound to how many there are.
    """
    import numpy as np

    count = rows + (rows == source.shape[-1])  # another number than there are, so that their axis is told apart
    counted = np.arange(count)
    others = counted[::-1] // 2  # in another order, and not the same numbers: what looks at its neighbours shows it
    straight, again = (_evaluated(graph, source, name, numbers) for numbers in (counted, others))
    shape = [size for size in graph.value(name).shape or () if isinstance(size, int)]
    axes = [axis for axis, (size, was) in enumerate(zip(straight.shape, shape, strict=False)) if size != was]
    if straight.ndim != len(shape) or len(axes) != 1 or straight.shape[axes[0]] != count:
        raise NotFoldable(f"{name} does not grow along one axis with {source.name}")
    if math.prod(shape[: axes[0]]) != 1:
        raise NotFoldable(f"{name} has other axes than batches of 1 in front of that of {source.name}")
    if not np.array_equal(np.take(straight, others, axes[0]), again):
        raise NotFoldable(f"elements of {name} depend on several numbers of {source.name}")
    return straight.reshape(count, -1)[:rows]


def _evaluated(graph: GraphView, source: Source, name: str, numbers: Array) -> Array:
    """The value for other whole numbers than the graph has, as many as there are."""
    from onnx import helper, numpy_helper

    from rkgraph.analysis.evaluator import EvaluationError, evaluate

    dtype = graph.value(source.name).dtype or "int64"
    given = numbers.astype(dtype).reshape(*source.shape[:-1], len(numbers))
    constants: dict[str, Constant] = {}
    for node in source.nodes:
        for each in node.inputs:
            constant = graph.constant(each) if each else None
            if constant is not None:
                constants[each] = constant
    model = helper.make_model(
        helper.make_graph(
            [node_proto(node, graph.opset) for node in source.nodes],
            "table",
            [],
            [helper.make_empty_tensor_value_info(name)],
            initializer=[
                *(tensor_proto(constant, key) for key, constant in constants.items()),
                numpy_helper.from_array(given, source.name),
            ],
        ),
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in graph.opsets.items()],
        ir_version=helper.find_min_ir_version_for([helper.make_opsetid("", graph.opset)], ignore_unknown=True),
    )
    try:
        return evaluate(model, {})[name]
    except EvaluationError as error:
        raise NotFoldable(f"{name} cannot be evaluated: {error.message}") from error
