"""Scan written out: one element of each scanned input, the body, what it hands on, what it collects.

Opset 9 has axes and directions; opset 8 a batch in front of everything, and scans the axis behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rkgraph.analysis.inlining import MOST_NODES, CannotInline, Inliner, size_of_body
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.unrolling import stack
from rkgraph.rulebook.writer import Writer

__all__ = ["unroll_scan"]

_AXES = 9  # opset


@dataclass(frozen=True)
class _Scan:
    """What is scanned, how often, and which way: `directions` and `axes` of inputs, then those of outputs."""

    body: GraphView
    states: tuple[str, ...]
    scanned: tuple[str, ...]
    axes: tuple[int, ...]
    backwards: tuple[bool, ...]
    out_axes: tuple[int, ...]
    out_backwards: tuple[bool, ...]
    length: int


def unroll_scan(writer: Writer, node: Node) -> tuple[str, ...]:
    """Write the Scan `node` out; the names of its outputs.

    Raises:
        CannotInline: a length that is not known or 0, lengths that differ within the batch (opset 8), too many nodes.
    """
    if writer.graph.opset >= _AXES:
        return _run(writer, _read(writer.graph, node, node.inputs), Inliner(_body(node), writer.tape))
    if node.inputs[0]:
        raise CannotInline("each element of its batch has a length of its own")
    return _batched(writer, node)


def _batched(writer: Writer, node: Node) -> tuple[str, ...]:
    """Opset 8: for each element of the batch by itself, and all put together at the end."""
    shape = writer.graph.value(node.inputs[1]).shape
    batch = shape[0] if shape else None
    if not isinstance(batch, int) or batch < 1:
        raise CannotInline("its batch is not known")
    scan = _read(writer.graph, node, node.inputs[1:], offset=1)
    if size_of_body(scan.body) * scan.length * batch > MOST_NODES:
        raise CannotInline(f"written out it is more than {MOST_NODES} nodes")
    inliner = Inliner(scan.body, writer.tape)
    results = []
    for number in range(batch):
        own = {name: _element(writer, name, 0, number) for name in dict.fromkeys((*scan.states, *scan.scanned))}
        part = _Scan(
            scan.body, tuple(own[n] for n in scan.states), tuple(own[n] for n in scan.scanned), scan.axes,
            scan.backwards, scan.out_axes, scan.out_backwards, scan.length,
        )  # fmt: skip
        results.append(_run(writer, part, inliner))
    return tuple(stack(writer, list(column), 0) for column in zip(*results, strict=True))


def _run(writer: Writer, scan: _Scan, inliner: Inliner) -> tuple[str, ...]:
    if size_of_body(scan.body) * scan.length > MOST_NODES:
        raise CannotInline(f"written out {scan.length} times its body is more than {MOST_NODES} nodes")
    states = list(scan.states)
    collected: list[list[str]] = [[] for _ in scan.out_axes]
    for number in range(scan.length):
        elements = [
            _element(writer, name, axis, scan.length - 1 - number if back else number)
            for name, axis, back in zip(scan.scanned, scan.axes, scan.backwards, strict=True)
        ]
        made = inliner.write(dict(zip(scan.body.inputs, (*states, *elements), strict=True)))
        states = list(made[: len(states)])
        for column, name in zip(collected, made[len(states) :], strict=True):
            column.append(name)
    columns = [column[::-1] if back else column for column, back in zip(collected, scan.out_backwards, strict=True)]
    return (*states, *(stack(writer, column, axis) for column, axis in zip(columns, scan.out_axes, strict=True)))


def _body(node: Node) -> GraphView:
    body = node.attributes.get("body")
    if not isinstance(body, GraphView):
        raise CannotInline("it has no body")
    return body


def _read(graph: GraphView, node: Node, inputs: Sequence[str], offset: int = 0) -> _Scan:
    """`offset`: axes in front of what is scanned (the batch of opset 8)."""
    body = _body(node)
    count = node.attributes.get("num_scan_inputs")
    if not isinstance(count, int) or not 0 < count <= len(inputs) or len(body.inputs) != len(inputs):
        raise CannotInline("its body does not take what it is given")
    states, scanned = tuple(inputs[:-count]), tuple(inputs[-count:])
    outs = len(body.outputs) - len(states)
    ranks = [len(shape) if shape is not None else 0 for shape in (graph.value(name).shape for name in scanned)]
    axes = tuple(
        axis % (rank - offset) if rank > offset else 0
        for axis, rank in zip(_list(node, "scan_input_axes", count), ranks, strict=True)
    )
    directions = "directions" if offset else "scan_input_directions"
    return _Scan(
        body,
        states,
        scanned,
        axes,
        tuple(value == 1 for value in _list(node, directions, count)),
        _list(node, "scan_output_axes", outs),
        tuple(value == 1 for value in _list(node, "scan_output_directions", outs)),
        _length(graph, scanned, axes, offset),
    )


def _length(graph: GraphView, scanned: Sequence[str], axes: Sequence[int], offset: int) -> int:
    sizes = set()
    for name, axis in zip(scanned, axes, strict=True):
        shape = graph.value(name).shape or ()
        sizes.add(shape[axis + offset] if axis + offset < len(shape) else None)
    size = sizes.pop()
    if sizes or not isinstance(size, int) or size < 1:
        raise CannotInline("how many elements it scans is not known, or none")
    return size


def _list(node: Node, name: str, count: int) -> tuple[int, ...]:
    values = node.attributes.get(name) or (0,) * count
    if len(values) != count:
        raise CannotInline(f"{name} does not have {count} entries")
    return tuple(values)


def _element(writer: Writer, name: str, axis: int, index: int) -> str:
    return writer.squeeze(writer.slice(name, [axis], [index], [index + 1]), [axis])
