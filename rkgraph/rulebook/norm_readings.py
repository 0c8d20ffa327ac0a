"""LayerNorms and RMSNorms over the last axis, read by what they compute, however exporters spell it.

Read are √ as Sqrt or a power, its inverse as a quotient, a Reciprocal or a power, on either side of the root; means as
ReduceMean, as a sum divided by the size or multiplied with its inverse, as a product with a column of 1/size, and those
of squares as ReduceSumSquare; the centred values once or twice, by Sub or by adding the negated mean; constant scales
anywhere in the product; and the form of Keras and TensorFlow, x · g + (b − mean · g) with g = scale / √….
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from rkgraph.records import Record
from rkgraph.rulebook.known import NotKnown, shape_of
from rkgraph.rulebook.norm_moments import Moments, centred_of, moments_of, other_of, standard

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

__all__ = ["NormReading", "fit_last_axis", "norm_readings"]

STEPS = 4
"""Nodes between the root and the product with what is normalised that are looked through."""


class NormReading(Record):
    """One norm: (x − mean or x) / √(mean of squares + `epsilon`), times the `scales`, plus `bias`.

    `kind` is "layer" or "rms". `root` is the Sqrt or Pow, `node` hands the result out. `scales` are constants that
    stand within the product, `bias` one within the sum, "" for none: what stands behind `node` is no part of the
    reading. `nodes` are all that it goes through, and nothing outside of them reads what they make but the result.
    `plain` says that only the forms of which the compiler makes one layer were met.
    """

    kind: str
    x: str
    epsilon: float
    root: Node
    node: Node
    scales: tuple[str, ...]
    bias: str
    nodes: tuple[Node, ...]
    plain: bool


class _Inverse(Record):
    """A value on the way from the root: the root, or scales over it where `is_inverse`."""

    name: str
    is_inverse: bool
    scales: tuple[str, ...]
    nodes: tuple[Node, ...]


def norm_readings(graph: GraphView, is_constant: Callable[[str], bool]) -> Iterator[NormReading]:
    """All norms of a graph, in the order of their roots; `is_constant` says which values are constants or fold."""
    for root in graph.nodes_of("Sqrt", "Pow"):
        moments = moments_of(graph, root)
        if moments is None:
            continue
        start = _Inverse(root.outputs[0], moments.is_inverse, (), ())
        found = [one for one in _quotients(graph, moments, start, is_constant, STEPS) if _is_closed(graph, one)]
        if len(found) == 1:
            yield found[0]


def fit_last_axis(graph: GraphView, names: Sequence[str], width: int) -> None:
    """Raises NotKnown where one of the values is neither a number nor a vector along a last axis of size `width`."""
    for name in names:
        *outer, last = (1, *shape_of(graph, name))
        if any(size != 1 for size in outer) or last not in (1, width):
            raise NotKnown(f"{name} is no number and no vector along the last axis")


def _quotients(
    graph: GraphView, moments: Moments, at: _Inverse, is_constant: Callable[[str], bool], steps: int
) -> Iterator[NormReading]:
    """The norms that end behind `at`."""
    for node in graph.consumers(at.name) if steps else ():
        if not standard(node):
            continue
        nodes = (*at.nodes, node)
        if node.op == "Reciprocal" and not at.is_inverse:
            yield from _quotients(
                graph, moments, _Inverse(node.outputs[0], True, at.scales, nodes), is_constant, steps - 1
            )
            continue
        divides = node.op == "Div" and not at.is_inverse and node.inputs[1] == at.name
        if not divides and not (node.op == "Mul" and at.is_inverse):
            continue
        other = node.inputs[0] if divides else other_of(node, at.name)
        if is_constant(other):
            scales = at.scales if _is_one(graph, other) else (*at.scales, other)
            yield from _quotients(
                graph, moments, _Inverse(node.outputs[0], True, scales, nodes), is_constant, steps - 1
            )
            continue
        numerator = _numerator(graph, moments, other, is_constant)
        if numerator is not None:
            scales, above = numerator
            plain = moments.plain and divides and not at.scales and not scales and other == moments.squared
            all_ = (*moments.nodes, *above, *nodes)
            yield NormReading(
                moments.kind, moments.x, moments.epsilon, moments.root, node, (*at.scales, *scales), "", all_, plain
            )
        elif moments.kind == "layer" and other == moments.x and not divides:
            yield from _shifted(graph, moments, at, node, is_constant)


def _numerator(
    graph: GraphView, moments: Moments, name: str, is_constant: Callable[[str], bool]
) -> tuple[tuple[str, ...], tuple[Node, ...]] | None:
    """Scales and nodes of what is divided by the root, where it is what was squared; None else."""
    if moments.kind == "rms" and name == moments.x:
        return (), ()
    centred = centred_of(graph, name) if moments.kind == "layer" else None
    if centred is not None:
        return ((), centred.nodes) if centred.x == moments.x else None
    node = graph.producer(name)
    if node is None or node.op != "Mul" or not standard(node):
        return None
    for scale in node.inputs:
        if is_constant(scale):
            inner = _numerator(graph, moments, other_of(node, scale), is_constant)
            return None if inner is None else ((scale, *inner[0]), (node, *inner[1]))
    return None


def _shifted(
    graph: GraphView, moments: Moments, at: _Inverse, product: Node, is_constant: Callable[[str], bool]
) -> Iterator[NormReading]:
    """The norms x · g + (b − mean · g) and x · g − mean · g, given the product x · g."""
    for node in graph.consumers(product.outputs[0]):
        if node.op not in ("Add", "Sub") or not standard(node):
            continue
        other, bias = other_of(node, product.outputs[0]), ""
        between: tuple[Node, ...] = ()
        if node.op == "Add":
            shift = graph.producer(other)
            if shift is None or shift.op != "Sub" or not is_constant(shift.inputs[0]):
                continue
            bias, other, between = shift.inputs[0], shift.inputs[1], (shift,)
        elif node.inputs[0] != product.outputs[0]:
            continue
        mean = graph.producer(other)
        if mean is None or mean.op != "Mul" or at.name not in mean.inputs or not standard(mean):
            continue
        if other_of(mean, at.name) in moments.means:
            nodes = (*moments.nodes, *at.nodes, product, mean, *between, node)
            yield NormReading("layer", moments.x, moments.epsilon, moments.root, node, at.scales, bias, nodes, False)


def _is_closed(graph: GraphView, found: NormReading) -> bool:
    """Whether nothing else reads what lies within, so that all of it goes when the norm is written anew."""
    inner = {node.index: node for node in found.nodes}
    made = (name for node in inner.values() if node is not found.node for name in node.outputs if name)
    return all(
        name not in graph.outputs
        and name not in graph.captured
        and all(reader.index in inner for reader in graph.consumers(name))
        for name in made
    )


def _is_one(graph: GraphView, name: str) -> bool:
    constant = graph.constant(name)
    return constant is not None and len(constant.values) == 1 and constant.values[0] == 1 and _is_scalar(graph, name)


def _is_scalar(graph: GraphView, name: str) -> bool:
    return math.prod(size for size in graph.value(name).shape or () if isinstance(size, int)) == 1
