"""Applies a Rewrite to a graph.

The tape's nodes are added, every reader of the old values reads the new ones, and what became dead is taken out.
Names of graph outputs, and all that the rewrite does not touch, stay as they were.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import onnx
import onnx_graphsurgeon as gs

from rkgraph.graph.applied import Applied, Region
from rkgraph.graph.copying import Originals
from rkgraph.graph.links import Linked, inner_graphs
from rkgraph.graph.protos import constant_proto, node_proto
from rkgraph.graph.rebuild import rebuild
from rkgraph.graph.regions import touched_regions
from rkgraph.graph.walk import label

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import NewNode, Rewrite
    from rkgraph.graph.weights import Weights

__all__ = ["rewrite_graph"]


def rewrite_graph(
    proto: onnx.GraphProto, edit: Rewrite, weights: Weights, functions: Iterable[onnx.FunctionProto] = ()
) -> tuple[onnx.GraphProto, Applied]:
    """The graph after `edit`, and what was done. `proto` stays as it is; `functions` are those of the model.

    The values of the rewrite belong to one graph: the main one or a subgraph.

    Raises:
        ValueError: the rewrite names a value that is not in the graph, adds one that is there already, or makes a
            cycle (all faults of the rule).
    """
    return _Surgery(proto, edit, Originals(proto, functions)).run(weights)


class _Surgery:
    """One rewrite under way."""

    def __init__(self, proto: onnx.GraphProto, edit: Rewrite, originals: Originals) -> None:
        self.proto = proto
        self.edit = edit
        self.originals = originals
        self.linked = Linked(proto)
        self.graphs = tuple(self.linked.graphs())
        self.owner = self._find_owner()
        self.visible = _visible(self.linked, self.owner)
        self.new: list[Any] = []
        self.own: set[int] = set()  # the new nodes, and those inside them
        self.renamed: list[Any] = []

    def run(self, weights: Weights) -> tuple[onnx.GraphProto, Applied]:
        replaced = [self._tensor(name) for name in self.edit.replaces]
        suspects = [node for tensor in replaced for node in tensor.inputs]
        self._add_nodes(self.edit.tape.nodes)
        outputs = [
            self._replace(old, self._tensor(new))
            for old, new in zip(replaced, self.edit.replaces.values(), strict=True)
        ]
        dead = self._bury([*suspects, *self.new])
        removed = [node for node in dead if not any(node is new for new in self.new)]
        self.new = [node for node in self.new if not any(node is gone for gone in dead)]
        constants = [
            constant_proto(name, array, weights)
            for name, array in self.edit.tape.constants.items()
            if self._is_read(self.visible[name])
        ]
        constants += [
            self.originals.tensor(copied, name)
            for name, copied in self.edit.tape.copies.items()
            if self._is_read(self.visible[name])
        ]
        after = rebuild(self.linked, self.owner, self.new, dead, constants)
        names = [tensor.name for tensor in outputs]
        before_region, after_region = self._regions(after, removed, names)
        return after, Applied(
            removed=tuple(label(self.linked.origin[id(node)]) for node in removed),
            added=tuple(label(self.linked.origin[id(node)]) for node in self.new),
            before=before_region,
            after=after_region,
        )

    def _find_owner(self) -> Any:
        """The graph in which all replaced values are made, or given."""
        wanted = set(self.edit.replaces)
        found = []
        for graph in self.graphs:
            own = {t.name for node in graph.nodes for t in node.outputs} | {t.name for t in graph.inputs}
            if wanted <= own:
                found.append(graph)
        if len(found) != 1:
            raise ValueError(
                f"the values {sorted(wanted)} of a rewrite are in {len(found)} graphs of the model, not in one"
            )
        return found[0]

    def _tensor(self, name: str) -> Any:
        try:
            return self.visible[name]
        except KeyError:
            raise ValueError(f"a rewrite reads {name!r}, which is not in the graph") from None

    def _is_read(self, tensor: Any) -> bool:
        return bool(tensor.outputs) or any(t is tensor for graph in self.graphs for t in graph.outputs)

    def _add_nodes(self, nodes: Iterable[NewNode]) -> None:
        taken = {name for graph in self.graphs for name in graph.tensors()}
        for name in (*self.edit.tape.constants, *self.edit.tape.copies):
            self._add_tensor(name, taken)
        for new in nodes:
            inputs = [self._tensor(name) if name else gs.Variable.empty() for name in new.inputs]
            outputs = [self._add_tensor(name, taken) if name else gs.Variable.empty() for name in new.outputs]
            self._add_node(node_proto(new, self.originals), inputs, outputs)

    def _add_node(self, proto: onnx.NodeProto, inputs: list[Any], outputs: list[Any]) -> None:
        node = self.linked.add(self.owner, proto, (inputs, outputs), self.visible)
        inside = tuple(_graphs_in(node))
        self.graphs = (*self.graphs, *inside)
        self.own |= {id(node), *(id(inner) for graph in inside for inner in graph.nodes)}
        self.new.append(node)

    def _add_tensor(self, name: str, taken: set[str]) -> Any:
        if name in taken:
            raise ValueError(f"a rewrite adds the value {name!r}, which is in the graph already")
        taken.add(name)
        self.visible[name] = gs.Variable(name)
        return self.visible[name]

    def _replace(self, old: Any, new: Any) -> Any:
        """Let every reader of `old` but the tape's own nodes read `new`. Returns the value that stands for it now."""
        for node in [node for node in old.outputs if id(node) not in self.own]:
            for index, tensor in enumerate(node.inputs):
                if tensor is old:
                    node.inputs[index] = new
        for graph in self.graphs:
            if graph is not self.owner:  # a subgraph may hand out a value of an outer graph
                graph.outputs = [new if tensor is old else tensor for tensor in graph.outputs]
        if any(tensor is old for tensor in self.owner.outputs):
            return self._give_output_name(old, new)
        return new

    def _give_output_name(self, old: Any, new: Any) -> Any:
        """The graph output `old` keeps its name, which from now on means the value `new`."""
        name = old.name
        old.name = f"{self.edit.tape.prefix}/was_{name}"
        self.renamed.append(old)
        # A value that was there before keeps its name: nothing but the tape's own nodes was to change.
        made_here = bool(new.inputs) and any(node is new.inputs[0] for node in self.new)
        if made_here and not any(tensor is new for tensor in self.owner.outputs):
            new.name = name
            self.renamed.append(new)
        else:
            source, new = new, gs.Variable(name)
            proto = onnx.NodeProto(op_type="Identity", name=f"{self.edit.tape.prefix}/Identity_{name}")
            self._add_node(proto, [source], [new])
        self.owner.outputs = [new if tensor is old else tensor for tensor in self.owner.outputs]
        return new

    def _bury(self, suspects: list[Any]) -> list[Any]:
        """Unlink the nodes none of whose outputs is read any more, from `suspects` upwards, and return them."""
        kept = {id(tensor) for graph in self.graphs for tensor in graph.outputs}
        dead: dict[int, Any] = {}
        while suspects:
            node = suspects.pop()
            if id(node) in dead or any(tensor.outputs or id(tensor) in kept for tensor in node.outputs):
                continue
            dead[id(node)] = node
            suspects += [producer for tensor in self.linked.reads(node) for producer in tensor.inputs]
            for nested in [node, *(inner for graph in inner_graphs(node) for inner in _all_nodes(graph))]:
                nested.inputs.clear()
        return list(dead.values())

    def _regions(self, after: onnx.GraphProto, removed: list[Any], outputs: list[str]) -> tuple[Region, Region]:
        if self.owner is not self.linked.graph:
            holder = next(n for n in self.linked.graph.nodes if any(self.owner is g for g in _graphs_in(n)))
            names = tuple(tensor.name for tensor in holder.outputs if tensor.name)
            return touched_regions(self.proto, after, (names, names), (names, names))
        moved = [tensor.inputs[0] for tensor in self.renamed if tensor.inputs]
        old = [
            name
            for node in [*removed, *moved]
            if id(node) in self.linked.origin
            for name in self.linked.origin[id(node)].output
        ]
        new = [tensor.name for node in [*self.new, *moved] for tensor in node.outputs]
        return touched_regions(self.proto, after, (tuple(self.edit.replaces), outputs), (old, new))


def _visible(linked: Linked, owner: Any) -> dict[str, Any]:
    """Tensors that nodes of `owner` may read, by name: its own and those of the main graph and of enclosing ones."""
    found: dict[str, Any] = {}
    for graph in linked.path_to(owner):
        found |= {tensor.name: tensor for tensor in graph.inputs}
        found |= {tensor.name: tensor for node in graph.nodes for tensor in node.outputs if tensor.name}
    return found


def _graphs_in(node: Any) -> Iterable[Any]:
    for graph in inner_graphs(node):
        yield graph
        for inner in graph.nodes:
            yield from _graphs_in(inner)


def _all_nodes(graph: Any) -> Iterable[Any]:
    for node in graph.nodes:
        yield node
        for inner in inner_graphs(node):
            yield from _all_nodes(inner)
