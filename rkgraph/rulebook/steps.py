"""Equal computations on the elements of one axis, put together again: steps of time that were unrolled.

    y = Concat(f(x[0]), f(x[1]), …, f(x[n-1]))

with the same operators and the same constants in each f. What is read here can be computed once, on all of x.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkgraph.rulebook.known import NotKnown, axis_of, constant_of, input_of, shape_of
from rkgraph.rulebook.slicing import read_slice

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.writer import Writer

__all__ = ["Steps", "read_steps", "written"]

_UNARY = frozenset(
    {
        "Abs", "Clip", "Elu", "Erf", "Exp", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "Log", "Neg",
        "Reciprocal", "Relu", "Selu", "Sigmoid", "Softplus", "Sqrt", "Tanh",
    }
)  # fmt: skip
_BINARY = frozenset({"Add", "Div", "Max", "Min", "Mul", "Pow", "PRelu", "Sub"})
_AXES = frozenset({"Squeeze", "Unsqueeze"})


@dataclass(frozen=True)
class Steps:
    """The steps of one Concat: elements `first` to `first + count` of `axis` of `x`, each through the operators `body`.

    `body` are the nodes of the first step, in the order in which they run; `place` is the axis of the result that the
    steps lie along.
    """

    x: str
    axis: int
    first: int
    count: int
    body: tuple[Node, ...]
    place: int
    nodes: int


@dataclass(frozen=True)
class _Step:
    """One step: which element of which axis of `x`, whether its axis of 1 is dropped, and what runs on it."""

    x: str
    axis: int
    element: int
    dropped: bool
    body: tuple[Node, ...]


def read_steps(graph: GraphView, concat: Node) -> Steps:
    """What a Concat puts together. Raises NotKnown where that is no sequence of equal steps of one value."""
    if len(concat.inputs) < 2:
        raise NotKnown(f"{concat.label} joins nothing")
    rank = len(shape_of(graph, concat.outputs[0]))
    place = axis_of(concat, rank, 0)
    first = _read(graph, concat.inputs[0], place)
    if not first.body:
        raise NotKnown(f"nothing is computed in the steps of {concat.label}")
    size = len(shape_of(graph, first.x))
    if size > 4 or (not first.dropped and first.axis != place):
        raise NotKnown(f"the steps of {concat.label} would take {size} dimensions, or another axis")
    for number, name in enumerate(concat.inputs):
        step = _read(graph, name, place)
        if (step.x, step.axis, step.dropped) != (first.x, first.axis, first.dropped):
            raise NotKnown(f"{name} is a step of another value")
        if step.element != first.element + number or len(step.body) != len(first.body):
            raise NotKnown(f"{name} is out of order")
        if not all(_is_same(graph, one, other) for one, other in zip(first.body, step.body, strict=True)):
            raise NotKnown(f"{name} is computed in another way")
    behind = size - 1 - first.axis
    for node in first.body:
        _holds_for_all(graph, node, behind, dropped=first.dropped)
    count = len(concat.inputs)
    return Steps(first.x, first.axis, first.element, count, first.body, place, count * len(first.body))


def written(graph: GraphView, steps: Steps, write: Writer) -> str:
    """Record the operators on all steps at once; the name of what takes the place of the Concat's result."""
    shape, value = shape_of(graph, steps.x), steps.x
    if steps.count < shape[steps.axis]:
        value = write.slice(value, [steps.axis], [steps.first], [steps.first + steps.count])
    for node in steps.body:
        inputs = [name if graph.is_constant(name) or not name else value for name in node.inputs]
        value = write.op(node.op, *inputs, **node.attributes)
    order = [axis for axis in range(len(shape)) if axis != steps.axis]
    order.insert(steps.place, steps.axis)
    return write.transpose(value, order)


def _read(graph: GraphView, name: str, place: int) -> _Step:
    """The step that ends in `name`, followed back to the selection of one element."""
    body: list[Node] = []
    made = _maker(graph, name)
    added = made.op == "Unsqueeze"
    if added:
        if _axes(graph, made) != (place,):
            raise NotKnown(f"{made.label} adds another axis than that of the steps")
        name = made.inputs[0]
    for made in _chain(graph, name):
        if made.op not in _UNARY | _BINARY | {"MatMul"}:
            x, axis, element, dropped = _selected(graph, made, name)
            if dropped != added:
                raise NotKnown(f"the axis of the steps is dropped before {name}, or added, and not both")
            return _Step(x, axis, element, dropped, tuple(reversed(body)))
        if len(graph.consumers(name)) != 1 or name in graph.outputs or name in graph.captured:
            raise NotKnown(f"{name} is needed by itself")
        body.append(made)
        name = _operand(graph, made)
    raise NotKnown(f"{name} is no part of another value")


def _chain(graph: GraphView, name: str) -> Iterator[Node]:
    """What makes the value, and then what makes its one computed operand, as far as nobody else reads it."""
    while True:
        made = _maker(graph, name)
        yield made
        name = _operand(graph, made)


def _maker(graph: GraphView, name: str) -> Node:
    made = graph.producer(name)
    if made is None or made.domain not in ("", "ai.onnx"):
        raise NotKnown(f"{name} is no part of another value")
    return made


def _operand(graph: GraphView, node: Node) -> str:
    """The one input that is no constant. Raises NotKnown."""
    computed = [name for name in node.inputs if name and not graph.is_constant(name)]
    if len(computed) != 1 or (node.op == "MatMul" and computed[0] != node.inputs[0]):
        raise NotKnown(f"{node.label} computes with more than one step")
    return computed[0]


def _selected(graph: GraphView, node: Node, name: str) -> tuple[str, int, int, bool]:
    """Which value, axis and element a node selects, and whether the axis is dropped."""
    if node.op == "Squeeze":
        x, axis, element, dropped = _selected(graph, _maker(graph, node.inputs[0]), node.inputs[0])
        if dropped or _axes(graph, node) not in ((axis,), (axis - len(shape_of(graph, x)),)):
            raise NotKnown(f"{node.label} drops another axis than that of the steps")
        return x, axis, element, True
    x = node.inputs[0]
    shape = shape_of(graph, x)
    if node.op == "Gather":
        (index,) = constant_of(graph, node.inputs[1]) or (None,)
        axis = axis_of(node, len(shape), 0)
        return x, axis, int(index) % shape[axis], not shape_of(graph, node.inputs[1])
    if node.op == "Slice":
        cuts = [cut for cut in read_slice(graph, node) if len(cut.places) < cut.size]
        if len(cuts) == 1 and len(cuts[0].places) == 1:
            return x, cuts[0].axis, cuts[0].places[0], False
    if node.op == "Split":
        axis = axis_of(node, len(shape), 0)
        before = [shape_of(graph, part)[axis] for part in node.outputs[: node.outputs.index(name) + 1]]
        if before[-1] == 1:
            return x, axis, sum(before) - 1, False
    raise NotKnown(f"{node.label} selects no single step")


def _axes(graph: GraphView, node: Node) -> tuple[int, ...]:
    """The axes of a Squeeze or Unsqueeze, those of Unsqueeze counted from the front."""
    given = node.attributes.get("axes")
    name = input_of(node, 1)
    axes = tuple(given) if given is not None else constant_of(graph, name) if name else ()
    rank = len(shape_of(graph, node.outputs[0])) if node.op == "Unsqueeze" else 0
    return tuple(int(axis) % rank if rank else int(axis) for axis in axes)


def _is_same(graph: GraphView, one: Node, other: Node) -> bool:
    """Whether two nodes compute the same of their computed operand: one operator, attributes, and constants."""
    if one.op != other.op or one.attributes != other.attributes or len(one.inputs) != len(other.inputs):
        return False
    return all(
        (a == b or _equal(graph, a, b)) if graph.is_constant(a) or not a else not graph.is_constant(b) and bool(b)
        for a, b in zip(one.inputs, other.inputs, strict=True)
    )


def _equal(graph: GraphView, a: str, b: str) -> bool:
    first, second = graph.constant(a) if a else None, graph.constant(b) if b else None
    return first is not None and first == second


def _holds_for_all(graph: GraphView, node: Node, behind: int, *, dropped: bool) -> None:
    """Raises NotKnown where constants of the node would meet the axis of the steps, or a product would sum it up.

    `behind` is how many axes of x lie behind that of the steps.
    """
    if node.op == "MatMul":
        if len(shape_of(graph, node.inputs[1])) != 2 or behind < 1:
            raise NotKnown(f"{node.label} multiplies along the axis of the steps")
        return
    for name in node.inputs:
        if name and graph.is_constant(name):
            shape = shape_of(graph, name)
            beyond = shape[: len(shape) - behind] if len(shape) > behind else ()
            if any(size != 1 for size in beyond) or (dropped and len(shape) > behind + 1):
                raise NotKnown(f"{node.label} has a constant along the axis of the steps")
