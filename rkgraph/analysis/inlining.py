"""The nodes of a body (a branch, the body of a loop, a function) written onto a tape, as if they stood outside.

Nodes are copied with everything that they have, subgraphs and large tensors included; small constants become constants
of the tape, once for each tape. What is expanded is bounded: models are not trusted, and a few nested loops or
functions of a few nodes can ask for more nodes than any memory holds.
"""

from __future__ import annotations

from collections.abc import Mapping

from rkgraph.errors import RkgraphError
from rkgraph.graph.copies import CopiedTensor, Source, where
from rkgraph.graph.rewrite import Tape
from rkgraph.graph.view import Constant, GraphView, Node

__all__ = ["MOST_NODES", "CannotInline", "Inliner", "size_of_body"]

MOST_NODES = 20_000
"""Nodes that one rewrite may add; real models have a few thousand in all."""

_NUMPY = frozenset(
    {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64"}
)


class CannotInline(RkgraphError):
    """The body cannot be written out; the message says why."""


class Inliner:
    """Writes the body `graph` onto `tape` as often as wanted; its constants are written once.

    Args:
        graph: a subgraph of a node of the main graph, or a function.
        tape: takes the nodes.
        call: index of the calling node of the main graph, where `graph` is a function.
    """

    def __init__(self, graph: GraphView, tape: Tape, call: int | None = None) -> None:
        self.graph = graph
        self.tape = tape
        self._place = where(graph)
        self._call = call
        self._shared: dict[str, str] = {}

    def write(self, inputs: Mapping[str, str]) -> tuple[str, ...]:
        """Write the body once; the names of its outputs.

        Args:
            inputs: input of the body → value that it takes ("" for one that is absent).

        Raises:
            CannotInline: too many nodes, or an output that nothing makes.
        """
        if len(self.tape.nodes) + len(self.graph.nodes) > MOST_NODES:
            raise CannotInline(f"writing {self.graph.path} out takes more than {MOST_NODES} nodes")
        names = dict(inputs)
        for node in self.graph.nodes:
            self._write(node, names)
        return tuple(self._name(name, names) for name in self.graph.outputs)

    def _write(self, node: Node, names: dict[str, str]) -> None:
        small = self.graph.constant(node.outputs[0]) if node.op == "Constant" and node.outputs else None
        if small is not None and small.dtype in _NUMPY:
            names[node.outputs[0]] = self._constant(node.outputs[0], small)
            return
        inputs = tuple(self._name(name, names) if name else "" for name in node.inputs)
        captured = dict.fromkeys(name for inner in node.subgraphs for name in inner.names_from_outside)
        renames = {name: self._name(name, names) for name in captured}
        source = Source(self._place, node.index, renames, self._call)
        made = self.tape.copy(node.op, inputs, node.outputs, source, node.domain)
        names.update({old: new for old, new in zip(node.outputs, made, strict=True) if old})

    def _name(self, name: str, names: Mapping[str, str]) -> str:
        """What a value of the body is called outside."""
        if name in names:
            return names[name]
        if name in self._shared:
            return self._shared[name]
        kind = self.graph.value(name).kind
        if kind == "initializer":
            small = self.graph.constant(name)
            if small is not None and small.dtype in _NUMPY:
                return self._constant(name, small)
            self._shared[name] = self.tape.copied_constant(CopiedTensor(self._place, name))
            return self._shared[name]
        if kind == "outer" and self.graph.parent is not None:
            return name
        raise CannotInline(f"{self.graph.path} reads {name}, which nothing in it computes")

    def _constant(self, name: str, constant: Constant) -> str:
        import numpy as np

        if name not in self._shared:
            array = np.array(constant.values, constant.dtype).reshape(constant.shape)
            self._shared[name] = self.tape.constant(array, constant.dtype)
        return self._shared[name]


def size_of_body(graph: GraphView) -> int:
    """How many nodes the graph has, those in subgraphs included."""
    return len(graph.nodes) + sum(size_of_body(inner) for inner in graph.subgraphs)
