"""A graph as a view draws it: by the edges of a result, by its placement alone, or by a layer table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rkgraph.diagnostics import Device
from rkgraph.results import Result

__all__ = ["DrawnGraph", "DrawnValue", "compiled_graph", "graph_of"]

_DEVICES = {"NPU": Device.NPU, "CPU": Device.CPU}


@dataclass(frozen=True)
class DrawnValue:
    """A value, with its dtype in numpy spelling, its shape (None: unknown), and whether it is constant."""

    name: str
    dtype: str | None = None
    shape: tuple[Any, ...] | None = None
    constant: bool = False


@dataclass(frozen=True)
class DrawnGraph:
    """Columns over nodes in file order, and edges as (from, to, row of the value that flows, -1 where none is known).

    Attributes:
        labels, operators, devices: of each node.
        outputs: names of the values that each node computes.
        inputs_of, outputs_of: rows of `values`, for each node.
        inputs, outputs: rows of `values`, of the graph.
        attributes: of the nodes that have some.
        has_edges: False where the document has none: nodes are known by placement only.
    """

    labels: tuple[str, ...]
    operators: tuple[str, ...]
    devices: tuple[Device, ...]
    outputs: tuple[tuple[str, ...], ...]
    edges: tuple[tuple[int, int, int], ...] = ()
    values: tuple[DrawnValue, ...] = ()
    inputs_of: tuple[tuple[int, ...], ...] = ()
    outputs_of: tuple[tuple[int, ...], ...] = ()
    inputs: tuple[int, ...] = ()
    graph_outputs: tuple[int, ...] = ()
    attributes: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    has_edges: bool = True

    @cached_property
    def readers(self) -> tuple[tuple[int, ...], ...]:
        """For each node those that read what it computes."""
        return self._linked((start, end) for start, end, _ in self.edges)

    @cached_property
    def sources(self) -> tuple[tuple[int, ...], ...]:
        """For each node those whose results it reads."""
        return self._linked((end, start) for start, end, _ in self.edges)

    def _linked(self, pairs: Iterable[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
        found: list[dict[int, None]] = [{} for _ in self.labels]
        for start, end in pairs:
            found[start][end] = None
        return tuple(tuple(each) for each in found)


def graph_of(result: Result, edges: Mapping[str, Any] | None) -> DrawnGraph | None:
    """The graph of a result: with `edges` (a `Result.graph`), else from its placement; None where nothing is known."""
    placed = {node.index: node for node in result.placement if node.graph == "main"}
    if edges is not None:
        return _from_rows(edges, {index: node.device for index, node in placed.items()})
    if not placed:
        return None
    nodes = [placed[index] for index in sorted(placed)]
    return DrawnGraph(
        tuple(node.node for node in nodes),
        tuple(node.op for node in nodes),
        tuple(node.device for node in nodes),
        tuple(node.outputs for node in nodes),
        has_edges=False,
    )


def _from_rows(rows: Mapping[str, Any], devices: Mapping[int, Device]) -> DrawnGraph:
    # A name like "NaN" is read as a number (see `codec`); a name it is.
    values = tuple(DrawnValue(str(name), dtype, shape, constant) for name, dtype, shape, constant in rows["values"])
    nodes = rows["nodes"]
    maker = {value: node for node, row in enumerate(nodes) for value in row[3] if value >= 0}
    edges = dict.fromkeys(
        (maker[value], node, value) for node, row in enumerate(nodes) for value in row[2] if value in maker
    )
    return DrawnGraph(
        labels=tuple(str(row[0]) for row in nodes),
        operators=tuple(str(row[1]) for row in nodes),
        devices=tuple(devices.get(index, Device.UNKNOWN) for index in range(len(nodes))),
        outputs=tuple(tuple(values[value].name for value in row[3] if value >= 0) for row in nodes),
        edges=tuple(edges),
        values=values,
        inputs_of=tuple(row[2] for row in nodes),
        outputs_of=tuple(row[3] for row in nodes),
        inputs=tuple(rows["inputs"]),
        graph_outputs=tuple(value for value in rows["outputs"] if value >= 0),
        attributes={index: row[4] for index, row in enumerate(nodes) if len(row) > 4},
    )


def compiled_graph(stages: Sequence[Mapping[str, Any]], fixed: DrawnGraph) -> tuple[DrawnGraph, dict[int, int]]:
    """The layers of all stages as a graph, and which layer computes which node of the model that was compiled.

    Edges follow the values of that model, through nodes that are no layer of their own. Layers that no node became
    (what the compiler put in) have none.
    """
    layers = [layer for stage in stages for layer in stage.get("layers", ())]
    layer_of = _layers_of_nodes(stages, fixed)
    by_name = {(str(layer["op"]), str(layer["name"])): row for row, layer in enumerate(layers)}
    holders: dict[int, set[int]] = {
        value: {by_name["InputOperator", fixed.values[value].name]}
        for value in fixed.inputs
        if ("InputOperator", fixed.values[value].name) in by_name
    }
    edges: dict[tuple[int, int, int], None] = {}
    for node, inputs in enumerate(fixed.inputs_of):
        arriving = {(layer, value) for value in inputs for layer in holders.get(value, ())}
        own = layer_of.get(node)
        edges |= dict.fromkeys((layer, own, value) for layer, value in sorted(arriving) if own not in (None, layer))
        after = {layer for layer, _ in arriving} if own is None else {own}
        holders |= dict.fromkeys((value for value in fixed.outputs_of[node] if value >= 0), after)
    for value in fixed.graph_outputs:
        end = by_name.get(("OutputOperator", fixed.values[value].name))
        edges |= dict.fromkeys((layer, end, value) for layer in sorted(holders.get(value, ())) if end is not None)
    refused = {str(entry["name"]) for stage in stages for entry in stage.get("no_lowering", ())}
    return _layer_graph(layers, refused, tuple(edges), fixed), layer_of


def _layers_of_nodes(stages: Sequence[Mapping[str, Any]], fixed: DrawnGraph) -> dict[int, int]:
    """Node of `fixed` to row in the table of all layers; by label, for stages count their nodes anew."""
    index = {label: number for number, label in enumerate(fixed.labels)}
    found: dict[int, int] = {}
    before = 0
    for stage in stages:
        rows = {layer["id"]: before + row for row, layer in enumerate(stage.get("layers", ()))}
        for entry in stage.get("placement", ()):
            node, layer = index.get(str(entry["node"])), entry.get("layer")
            if node is not None and layer in rows:
                found[node] = rows[layer]
        before += len(rows)
    return found


def _layer_graph(
    layers: Sequence[Mapping[str, Any]], refused: set[str], edges: tuple[tuple[int, int, int], ...], fixed: DrawnGraph
) -> DrawnGraph:
    devices = (_DEVICES.get(str(layer["target"]), Device.UNKNOWN) for layer in layers)
    return DrawnGraph(
        labels=tuple(str(layer["name"]) for layer in layers),
        operators=tuple(str(layer["op"]) for layer in layers),
        devices=tuple(
            Device.NO_KERNEL if str(row["name"]) in refused else found
            for row, found in zip(layers, devices, strict=True)
        ),
        outputs=tuple(() for _ in layers),
        edges=edges,
        values=fixed.values,
        inputs_of=tuple(() for _ in layers),
        outputs_of=tuple(() for _ in layers),
        has_edges=bool(edges),
    )
