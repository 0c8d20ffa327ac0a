"""The main graph as plain data, for the views of a report: `Result.graph`.

Nodes and values are rows, and rows refer to values by index, so that a graph of 5,000 nodes stays below a megabyte.
Keys and rows are those of the report's schema (`schema/rkgraph.report-1.json`, "graph").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rkgraph.graph.view import GraphView, Node, Value

__all__ = ["MAX_NODES", "graph_record"]

MAX_NODES = 50_000
"""A larger graph is left out: nobody looks at it, and the document has a limit (`report.document.MAX_BYTES`)."""

_LONGEST_SHAPE = 16
_LONGEST_LIST = 16
_LONGEST_TEXT = 120


def graph_record(graph: GraphView) -> dict[str, Any] | None:
    """Nodes with their edges, and what is known of the values; None for a graph beyond `MAX_NODES`.

    A row of `nodes` is [label, operator, inputs, outputs] and, where it has small attributes, these; inputs and
    outputs are rows of `values`, -1 is an input that is left out, and what the bodies of a node read from around them
    comes after its own inputs. A row of `values` is [name, dtype, shape, whether it is constant]. Longer shapes,
    lists and texts are cut, and end with "…".
    """
    if len(graph.nodes) > MAX_NODES:
        return None
    rows: dict[str, int] = {name: row for row, name in enumerate(dict.fromkeys(graph.inputs))}

    def row_of(name: str) -> int:
        return rows.setdefault(name, len(rows)) if name else -1

    nodes = tuple(_node(node, row_of) for node in graph.nodes)
    outputs = tuple(row_of(name) for name in graph.outputs)
    return {
        "inputs": tuple(rows[name] for name in graph.inputs),
        "outputs": outputs,
        "values": tuple(_value(graph.value(name), graph.is_constant(name)) for name in rows),
        "nodes": nodes,
    }


def _node(node: Node, row_of: Any) -> tuple[Any, ...]:
    own = tuple(row_of(name) for name in node.inputs)
    captured = tuple(row_of(name) for name in node.reads if name not in node.inputs) if node.attributes else ()
    row = (node.label, node.full_op, own + captured, tuple(row_of(name) for name in node.outputs))
    attributes = dict(_attributes(node))
    return (*row, attributes) if attributes else row


def _value(value: Value, constant: bool) -> tuple[Any, ...]:
    shape = value.shape
    if shape is not None and len(shape) > _LONGEST_SHAPE:
        shape = (*shape[:_LONGEST_SHAPE], "…")
    return (value.name, value.dtype, None if shape is None else tuple(shape), constant)


def _attributes(node: Node) -> Iterator[tuple[str, Any]]:
    """Numbers and texts, and lists of them; of a body how many nodes it has; tensors are left out."""
    for name, held in node.attributes.items():
        if isinstance(held, GraphView):
            yield name, f"{len(held.nodes)} nodes"
        elif isinstance(held, (int, float, str)):
            yield name, _short(held)
        elif isinstance(held, tuple) and held and all(isinstance(item, (int, float, str)) for item in held):
            cut = tuple(_short(item) for item in held[:_LONGEST_LIST])
            yield name, (*cut, "…") if len(held) > _LONGEST_LIST else cut


def _short(item: float | str) -> float | str:
    return item[:_LONGEST_TEXT] + "…" if isinstance(item, str) and len(item) > _LONGEST_TEXT else item
