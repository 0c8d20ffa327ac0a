"""Loops written out: the body once for each run; what is carried is handed on, what is collected put together."""

from __future__ import annotations

from rkgraph.analysis.inlining import MOST_NODES, CannotInline, Inliner, size_of_body
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.writer import Writer

__all__ = ["unroll_loop"]


def unroll_loop(writer: Writer, node: Node, trips: int) -> tuple[str, ...]:
    """Write the Loop `node` out, which runs `trips` times; the names of its outputs, "" for those that nothing reads.

    Raises:
        CannotInline: too many nodes, or a collected output of a loop that never runs, which has no element.
    """
    body = _body(node, trips)
    carried = list(node.inputs[2:])
    collected: list[list[str]] = [[] for _ in body.outputs[1 + len(carried) :]]
    inliner = Inliner(body, writer.tape)
    always = writer.constant(_shaped(body, 1, True), "bool", "true") if trips else ""
    for number in range(trips):
        counter = writer.constant(_shaped(body, 0, number), "int64", "run")
        made = inliner.write(dict(zip(body.inputs, (counter, always, *carried), strict=True)))
        last = number == trips - 1
        carried = [
            value if last or not value else _optional(writer, body, position, value)
            for position, value in enumerate(made[1 : 1 + len(carried)])
        ]
        for column, name in zip(collected, made[1 + len(carried) :], strict=True):
            column.append(name)
    wanted = node.outputs[len(carried) :]
    stacked = [
        stack(writer, column, 0) if writer.graph.is_read(name) else ""
        for name, column in zip(wanted, collected, strict=False)
    ]
    return (*carried, *stacked)


def _optional(writer: Writer, body: GraphView, position: int, value: str) -> str:
    """What is carried on at `position`, as the body takes it: an optional value where it makes none, as ONNX allows."""
    taken, made = (body.value(name).held for name in (body.inputs[2 + position], body.outputs[1 + position]))
    if taken is None or not taken.optional or (made is not None and made.optional):
        return value
    return writer.tape.op("Optional", value)


def stack(writer: Writer, parts: list[str], axis: int) -> str:
    """The parts along a new axis. Raises CannotInline where there are none."""
    if not parts:
        raise CannotInline("it never runs, so that what it collects has no element")
    return writer.concat([writer.unsqueeze(part, [axis]) for part in parts], axis)


def _body(node: Node, trips: int) -> GraphView:
    body = node.attributes["body"]
    if not isinstance(body, GraphView) or len(body.inputs) != 2 + len(node.inputs[2:]):
        raise CannotInline("its body does not take what it is given")
    size = max(size_of_body(body), 1) * trips
    if size > MOST_NODES:
        raise CannotInline(f"written out {trips} times its body is {size} nodes, more than {MOST_NODES}")
    return body


def _shaped(body: GraphView, position: int, value: float) -> list[float] | float:
    """The counter or condition with the rank that the body declares; ONNX Runtime gives it so."""
    return [value] if body.value(body.inputs[position]).shape else value
