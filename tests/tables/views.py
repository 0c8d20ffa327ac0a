"""Small graphs for the tests of limits: one node, its inputs by dtype and shape, and neighbours where asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rkgraph.graph.view import Constant, Dim, GraphView, Node, Value

Type = tuple[str | None, tuple[Dim, ...] | None]


def node(
    op: str, inputs: tuple[str, ...], outputs: tuple[str, ...] = ("y",), index: int = 0, **attributes: Any
) -> Node:
    return Node(index, op, "", "", inputs, outputs, "main", attributes)


def graph(
    nodes: tuple[Node, ...],
    types: Mapping[str, Type],
    constants: tuple[str, ...] = (),
    *,
    outputs: tuple[str, ...] = ("y",),
    opset: int = 17,
    small: Mapping[str, Constant] | None = None,
) -> GraphView:
    """A graph whose values have the given types; `constants` are initializers, of which `small` has the elements."""
    made = {o for n in nodes for o in n.outputs}
    kinds = {name: "node" if name in made else "initializer" if name in constants else "input" for name in types}
    values = {name: Value(name, kinds[name], *types[name]) for name in types}
    inputs = tuple(name for name, kind in kinds.items() if kind == "input")
    return GraphView("main", nodes, values, inputs, outputs, small or {}, {"": opset})
