"""How often a Loop runs, where that can be known: from its trip count, its condition, and what decides that it ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkgraph.analysis.constants import NotFoldable, node_proto, tensor_proto
from rkgraph.analysis.evaluator import EvaluationError, Evaluator
from rkgraph.graph.view import Constant, GraphView, Node

if TYPE_CHECKING:
    import onnx

    from rkgraph.analysis.evaluator import Array

__all__ = ["MOST_TRIPS", "Unknown", "trips"]

MOST_TRIPS = 4096
"""Loops that run more often stay loops."""

_CHEAP = frozenset({
    "Abs", "Add", "And", "Cast", "Div", "Equal", "Greater", "GreaterOrEqual", "Identity", "Less", "LessOrEqual", "Max",
    "Min", "Mod", "Mul", "Neg", "Not", "Or", "Sub", "Xor",
})  # fmt: skip
"""Of numbers they make a number: what they compute from single elements is a single element again."""


@dataclass(frozen=True)
class Unknown:
    """Why it is not known how often a Loop runs; `needs` is the option that would make it known, if there is one."""

    reason: str
    needs: str | None = None


def trips(graph: GraphView, node: Node) -> int | Unknown:
    """How often the Loop `node` of `graph` runs its body.

    The condition may be handed on, be constant, or be computed by arithmetic on single numbers that are constant when
    the loop starts (its counter among them); that arithmetic is run.
    """
    count_name, condition_name, *_ = (*node.inputs, "", "")
    count = _number(graph, count_name, "trip count")
    condition = _number(graph, condition_name, "condition")
    for known in (count, condition):
        if isinstance(known, Unknown):
            return known
    body = node.attributes.get("body")
    if not isinstance(body, GraphView):
        return Unknown("it has no body")
    if condition == 0 or (isinstance(count, int) and count <= 0):
        return 0
    limit = MOST_TRIPS + 1 if not isinstance(count, int) else min(count, MOST_TRIPS + 1)
    found = _until_it_ends(graph, node, body, limit)
    if isinstance(found, int) and found > MOST_TRIPS:
        return Unknown(f"it runs more than {MOST_TRIPS} times")
    return found


def _number(graph: GraphView, name: str, what: str) -> int | Unknown | None:
    """The number of a constant of one element; None for an input that is absent."""
    if not name:
        return None
    constant = graph.constant(name)
    if constant is not None and len(constant.values) == 1:
        return int(constant.values[0])
    needs = f"--freeze {name}=VALUE" if name in graph.inputs else None
    return Unknown(f"its {what} {name} is computed when the model runs", needs)


def _until_it_ends(graph: GraphView, node: Node, body: GraphView, limit: int) -> int | Unknown:
    """How often the body runs until the condition that it computes is false, `limit` at most."""
    source = body.outputs[0]
    while (producer := body.producer(source)) is not None and producer.op == "Identity":
        source = producer.inputs[0]
    if source == body.inputs[1]:
        return limit
    constant = body.constant(source)
    if constant is not None:
        return limit if constant.values[0] else 1
    try:
        return _count(_Slice.of(graph, node, body), limit)
    except (NotFoldable, EvaluationError) as error:
        return Unknown(f"what ends it ({source} in its body) is computed from data: {error.message}")


@dataclass(frozen=True)
class _Slice:
    """The part of a body that decides when the loop ends.

    Attributes:
        model: computes `condition` and the next state.
        start: state → its value before the first run.
        next: state → value that it has in the next run.
        condition, counter: names of values.
    """

    model: onnx.ModelProto
    start: Mapping[str, Array]
    next: Mapping[str, str]
    condition: str
    counter: str

    @classmethod
    def of(cls, graph: GraphView, node: Node, body: GraphView) -> _Slice:
        """Cut it out. Raises NotFoldable where it rests on more than single constant numbers."""
        carried = dict(zip(body.inputs[2:], body.outputs[1:], strict=False))
        initial = dict(zip(body.inputs[2:], node.inputs[2:], strict=False))
        states: dict[str, str] = {}
        nodes: dict[int, Node] = {}
        constants: dict[str, Constant] = {}
        waiting = [body.outputs[0]]
        while waiting:
            name = waiting.pop()
            if name in carried and name not in states:
                states[name] = carried[name]
                waiting.append(carried[name])
            elif name not in body.inputs:
                waiting.extend(_step(body, name, nodes, constants))
        model = _model(body, [nodes[index] for index in sorted(nodes)], constants, states)
        return cls(
            model, {name: _start(graph, initial[name]) for name in states}, states, body.outputs[0], body.inputs[0]
        )


def _step(body: GraphView, name: str, nodes: dict[int, Node], constants: dict[str, Constant]) -> Iterator[str]:
    """Take in what makes `name`; the values that it is made of."""
    constant, node = body.constant(name), body.producer(name)
    if constant is not None:
        if len(constant.values) != 1:
            raise NotFoldable(f"{name} is more than one number")
        constants[name] = constant
    elif node is None or node.op not in _CHEAP or node.domain not in ("", "ai.onnx"):
        raise NotFoldable(f"{name} comes from {'outside' if node is None else node.op}")
    elif node.index not in nodes:
        nodes[node.index] = node
        yield from filter(None, node.inputs)


def _start(graph: GraphView, name: str) -> Array:
    import numpy as np

    constant = graph.constant(name)
    if constant is None or len(constant.values) != 1:
        raise NotFoldable(f"{name} is no constant number when the loop starts")
    return np.array(constant.values, constant.dtype).reshape(constant.shape)


def _model(
    body: GraphView, nodes: list[Node], constants: Mapping[str, Constant], states: Mapping[str, str]
) -> onnx.ModelProto:
    from onnx import helper

    from rkgraph.graph.tensors import dtype_code

    def typed(name: str) -> onnx.ValueInfoProto:
        dtype = body.value(name).dtype
        if dtype is None:
            raise NotFoldable(f"the dtype of {name} is unknown")
        return helper.make_tensor_value_info(name, dtype_code(dtype), None)

    given = [typed(name) for name in dict.fromkeys((*body.inputs[:2], *states))]
    wanted = dict.fromkeys((body.outputs[0], *states.values()))
    aliases = [helper.make_node("Identity", [name], [f"out/{name}"]) for name in wanted]
    return helper.make_model(
        helper.make_graph(
            [*(node_proto(node, body.opset) for node in nodes), *aliases],
            "condition",
            given,
            [helper.make_empty_tensor_value_info(f"out/{name}") for name in wanted],
            initializer=[tensor_proto(constant, name) for name, constant in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", body.opset)],
        ir_version=helper.find_min_ir_version_for([helper.make_opsetid("", body.opset)], ignore_unknown=True),
    )


def _count(part: _Slice, limit: int) -> int:
    import numpy as np

    evaluator, state = Evaluator(part.model), dict(part.start)
    condition_in = next(name for name in (*evaluator.inputs, "") if name not in (part.counter, *state))
    for number in range(limit):
        feeds = {part.counter: np.array(number), condition_in: np.array(True), **state}
        found = evaluator.run(feeds)
        if not bool(found[f"out/{part.condition}"].all()):
            return number + 1
        state = {name: found[f"out/{after}"] for name, after in part.next.items()}
    return limit
