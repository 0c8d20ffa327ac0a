"""RK171: a Pad that does not build, with pads for all axes, or piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Rewrite
from rkgraph.rulebook.generated import bounded
from rkgraph.rulebook.known import NotKnown, constant_of, dtype_of, input_of, lower, shape_of
from rkgraph.rulebook.lowering import CANNOT_RUN, SLOW, needing, not_as_it_is
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

_ATTRIBUTE_PADS = 10
"""Last opset in which pads are an attribute."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Pad that cannot run, or names its axes."""
    for graph, node in needing(lint, {"Pad"}, CANNOT_RUN | SLOW | {"npu"}):
        if lint.judgement(node).outcome in CANNOT_RUN:
            yield not_as_it_is(lint, graph, node, "pads for every axis, or Concat and Gather, make the same")
        elif input_of(node, 3):
            yield Finding(
                f"{node.label} names its axes: then it runs on the CPU at best, and often the build fails",
                graph=graph.path,
                node=node,
                observed={"axes": input_of(node, 3)},
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Where axes are named: pads for all of them. Any other form that fails: axis by axis, with Concat and Gather."""
    return lower(lint, finding, "rk171", _padded)


@dataclass(frozen=True)
class _Pads:
    """How much is added (or cut off, below zero) before and behind each axis; `fill` is what stands there."""

    begins: dict[int, int]
    ends: dict[int, int]
    mode: str


def _padded(graph: GraphView, node: Node, writer: Writer) -> Rewrite:
    x, shape = node.inputs[0], list(shape_of(graph, node.inputs[0]))
    pads = _read(graph, node, len(shape))
    if input_of(node, 3):
        every = [side.get(axis, 0) for side in (pads.begins, pads.ends) for axis in range(len(shape))]
        inputs = (x, writer.integers(every, "pads"), *filter(None, [input_of(node, 2)]))
        new = writer.op("Pad", *inputs, mode=node.attributes.get("mode"))
        return writer.rewrite({node.outputs[0]: new}, EXACT, "pads for every axis")
    bounded("the result", shape_of(graph, node.outputs[0]))
    dtype, fill, new = dtype_of(graph, x), _fill(graph, node) if pads.mode == "constant" else 0, x
    for axis, begin in pads.begins.items():
        end = pads.ends[axis]
        if not (begin or end):
            continue
        if pads.mode == "constant":
            new = _surrounded(writer, (new, shape, axis), (begin, end), fill, dtype)
        else:
            places = [_source(place, shape[axis], pads.mode) for place in range(-begin, shape[axis] + end)]
            new = writer.op("Gather", new, writer.integers(places, pads.mode), axis=axis)
        shape[axis] += begin + end
    return writer.rewrite({node.outputs[0]: new}, EXACT, f"{pads.mode}, axis by axis")


def _read(graph: GraphView, node: Node, rank: int) -> _Pads:
    given = node.attributes.get("pads") if graph.opset <= _ATTRIBUTE_PADS else constant_of(graph, node.inputs[1])
    named = input_of(node, 3)
    axes = [int(axis) % rank for axis in constant_of(graph, named)] if named else list(range(rank))
    if given is None or len(given) != 2 * len(axes):
        raise NotKnown(f"{node.label} does not have two pads for each of {len(axes)} axes")
    begins = {axis: int(pad) for axis, pad in zip(axes, given[: len(axes)], strict=True)}
    ends = {axis: int(pad) for axis, pad in zip(axes, given[len(axes) :], strict=True)}
    return _Pads(begins, ends, str(node.attributes.get("mode", "constant")))


def _fill(graph: GraphView, node: Node) -> float:
    if graph.opset <= _ATTRIBUTE_PADS:
        return float(node.attributes.get("value", 0.0))
    name = input_of(node, 2)
    return constant_of(graph, name)[0] if name else 0


def _surrounded(writer: Writer, at: tuple[str, list[int], int], pads: tuple[int, int], fill: float, dtype: str) -> str:
    """The value with constant blocks before and behind it along one axis, or without what is cut off there."""
    import numpy as np

    value, shape, axis = at
    begin, end = pads
    if min(pads) < 0:
        value = writer.slice(value, [axis], [max(-begin, 0)], [shape[axis] - max(-end, 0)])
    blocks = []
    for count in pads:
        block = np.full([*shape[:axis], max(count, 0), *shape[axis + 1 :]], fill)
        blocks.append([writer.constant(block, dtype, "padding")] if count > 0 else [])
    return writer.concat([*blocks[0], value, *blocks[1]], axis)


def _source(place: int, size: int, mode: str) -> int:
    """The element that stands at `place`, which may lie outside: the edge, a mirror image, or from the other end."""
    if mode == "edge":
        return min(max(place, 0), size - 1)
    if mode == "wrap":
        return place % size
    if mode == "reflect":
        return size - 1 - abs(place % (2 * (size - 1)) - (size - 1)) if size > 1 else 0
    raise NotKnown(f"mode {mode!r}")
