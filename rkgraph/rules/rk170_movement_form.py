"""RK170: crops, selections and cuts in forms that do not build, written with those that do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Rewrite
from rkgraph.rulebook.generated import bounded
from rkgraph.rulebook.known import NotKnown, axis_of, constant_of, dtype_of, lower, shape_of
from rkgraph.rulebook.lowering import needing, not_as_it_is
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each CenterCropPad, Compress and Split that cannot run."""
    for graph, node in needing(lint, _WRITTEN):
        yield not_as_it_is(lint, graph, node, "the same elements can be had with Slice, Pad, Gather or plain sizes")


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same elements in the same order."""
    return lower(lint, finding, "rk170", lambda graph, node, writer: _WRITTEN[node.op](graph, node, writer))


def _centred(graph: GraphView, node: Node, writer: Writer) -> Rewrite:
    """CenterCropPad: the middle of what is too long, and zeros on both sides of what is too short."""
    x = node.inputs[0]
    shape, dtype = shape_of(graph, x), dtype_of(graph, x)
    wanted = constant_of(graph, node.inputs[1])
    axes = [axis % len(shape) for axis in node.attributes.get("axes") or range(len(wanted))]
    if len(axes) != len(wanted):
        raise NotKnown(f"{node.label} has {len(wanted)} sizes for {len(axes)} axes")
    shorter = {axis: int(size) for axis, size in zip(axes, wanted, strict=True) if size < shape[axis]}
    starts = [(shape[axis] - size) // 2 for axis, size in shorter.items()]
    ends = [start + size for start, size in zip(starts, shorter.values(), strict=True)]
    new = writer.slice(x, list(shorter), starts, ends) if shorter else x
    more = {axis: int(size) - shape[axis] for axis, size in zip(axes, wanted, strict=True) if size > shape[axis]}
    begins = [more.get(axis, 0) // 2 for axis in range(len(shape))]
    pads = [*begins, *(more.get(axis, 0) - begin for axis, begin in enumerate(begins))]
    bounded("the result", [size + sum(pads[axis :: len(shape)]) for axis, size in enumerate(shape)])
    new = writer.pad(new, dtype, pads) if more else new
    return writer.rewrite({node.outputs[0]: new}, EXACT, f"crops {len(shorter)} axes, pads {len(more)}")


def _compressed(graph: GraphView, node: Node, writer: Writer) -> Rewrite:
    """Compress with a constant condition: a Gather of the places that it keeps; without an axis, of the flat input."""
    x, shape = node.inputs[0], shape_of(graph, node.inputs[0])
    kept = [place for place, keep in enumerate(constant_of(graph, node.inputs[1])) if keep]
    if not kept:
        raise NotKnown(f"{node.label} keeps nothing")
    axis = axis_of(node, len(shape), 0) if "axis" in node.attributes else 0
    value = x if "axis" in node.attributes or len(shape) == 1 else writer.reshape(x, (-1,))
    if kept == list(range(kept[0], kept[-1] + 1)):
        new = writer.slice(value, [axis], [kept[0]], [kept[-1] + 1])
    else:
        new = writer.op("Gather", value, writer.integers(kept, "kept"), axis=axis)
    return writer.rewrite({node.outputs[0]: new}, EXACT, f"keeps {len(kept)} places")


def _cut(graph: GraphView, node: Node, writer: Writer) -> Rewrite:
    """Split into a number of parts that does not divide the length: the sizes, written out."""
    if "num_outputs" not in node.attributes:
        raise NotKnown(f"{node.label} does not ask for a number of parts")
    shape = shape_of(graph, node.inputs[0])
    axis, count = axis_of(node, len(shape), 0), len(node.outputs)
    part = -(-shape[axis] // count)
    sizes = [part] * (count - 1) + [shape[axis] - part * (count - 1)]
    if sizes[-1] < 1:
        raise NotKnown(f"{count} parts of {shape[axis]} elements: the last one is empty")
    parts = writer.split(node.inputs[0], axis, sizes)
    replaced = {old: new for old, new in zip(node.outputs, parts, strict=True) if old}
    return writer.rewrite(replaced, EXACT, f"parts of {', '.join(map(str, sizes))}")


_WRITTEN: Mapping[str, Callable[[GraphView, Node, Writer], Rewrite]] = {
    "CenterCropPad": _centred,
    "Compress": _compressed,
    "Split": _cut,
}
