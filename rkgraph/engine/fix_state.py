"""The state of a model without its names: two models that compute the same way have the same."""

from __future__ import annotations

import hashlib

from rkgraph.graph.view import GraphView, ModelView

__all__ = ["state_of"]


def state_of(model: ModelView) -> str:
    """A digest of operators, attributes, links, small constants, shapes of inputs and opset; of no names of values.

    Large constants count by their name, for their bytes are not read.
    """
    digest = hashlib.sha256(repr(sorted(model.main.opsets.items())).encode())
    for graph in model.graphs():
        for line in _lines(graph):
            digest.update(line.encode())
            digest.update(b"\0")
    return digest.hexdigest()


def _lines(graph: GraphView) -> list[str]:
    numbers: dict[str, str] = {"": "-"}
    constants: dict[str, str] = {}

    def number(name: str) -> str:
        if name in constants:
            return constants[name]
        if name not in numbers:
            constant = graph.constant(name)
            if constant is not None or graph.is_constant(name):
                held = name if constant is None else repr((constant.dtype, constant.shape, constant.values))
                return constants.setdefault(name, held)
            numbers[name] = str(len(numbers))
        return numbers[name]

    lines = [f"{number(name)}: {graph.value(name).shape}" for name in graph.inputs]
    for node in graph.nodes:
        if node.op == "Constant":
            continue
        plain = {k: v for k, v in sorted(node.attributes.items()) if not isinstance(v, (GraphView, tuple))}
        tuples = {k: v for k, v in node.attributes.items() if isinstance(v, tuple) and not _graphs(v)}
        lines.append(
            f"{node.op} {node.domain} {[number(i) for i in node.inputs]} {[number(o) for o in node.outputs]} "
            f"{plain} {sorted(tuples.items())}"
        )
    return [*lines, *(number(name) for name in graph.outputs)]


def _graphs(values: tuple[object, ...]) -> bool:
    return any(isinstance(value, GraphView) for value in values)
