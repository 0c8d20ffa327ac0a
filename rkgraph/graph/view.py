"""The read-only view that rules see: nodes, values, producers and consumers over the protobuf.

No weights, no numpy, no onnx package: a view is made from a graph whose large initializers were skipped.
Subgraphs (If, Loop, Scan) and functions are views of their own, reached by path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rkgraph.graph.references import Reference

__all__ = ["AttributeReference", "Constant", "Dim", "GraphView", "Held", "ModelView", "Node", "Value"]

Dim = int | str | None
"""A dimension: a size, a symbolic name, or None where nothing is known."""


@dataclass(frozen=True, slots=True)
class Constant:
    """The elements of a small constant, flat and in row-major order (bool, int or float; str for strings)."""

    dtype: str
    shape: tuple[int, ...]
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class AttributeReference:
    """An attribute of a node in a function's body that takes the value of the function's attribute `name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Held:
    """What a value that is no tensor holds: a sequence of tensors, an optional tensor, or an optional sequence."""

    optional: bool
    sequence: bool
    dtype: str | None
    shape: tuple[Dim, ...] | None


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor of the graph.

    `dtype` is in numpy spelling ("int64", "float32", "bool", "bfloat16", "string"…), None if unknown.
    `kind` is "input", "initializer", "node" (some node's output) or "outer" (of an enclosing graph). `held` says what
    it holds where it is no tensor.
    """

    name: str
    kind: str
    dtype: str | None = None
    shape: tuple[Dim, ...] | None = None
    held: Held | None = None

    @property
    def is_static(self) -> bool:
        """True when rank and all dimensions are known numbers."""
        return self.shape is not None and all(isinstance(d, int) for d in self.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A node. `index` counts in its own graph; `path` names that graph ("main" at the top); empty inputs are "".

    `attributes` maps names to int, float, str, tuples of these, Constant (small tensors), None (large tensors)
    or GraphView (subgraphs); in functions also to AttributeReference. `label` is the node's name, or one made of its
    operator and first output.
    """

    index: int
    op: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    path: str
    attributes: Mapping[str, Any] = field(repr=False)

    @property
    def label(self) -> str:
        """The name, or for nameless nodes one made of operator and first output."""
        return self.name or f"{self.op}→{next((o for o in self.outputs if o), '?')}"

    @property
    def full_op(self) -> str:
        """The operator with its domain, "com.microsoft::Gelu"; without it for the standard domain."""
        return self.op if self.domain in ("", "ai.onnx") else f"{self.domain}::{self.op}"

    @property
    def is_parametric(self) -> bool:
        """Whether an attribute takes its value from the function's caller, so that nobody knows it here."""
        return any(isinstance(value, AttributeReference) for value in self.attributes.values())

    @property
    def subgraphs(self) -> tuple[GraphView, ...]:
        """The graphs among the attributes, not those nested in them."""
        values = [v for value in self.attributes.values() for v in (value if isinstance(value, tuple) else (value,))]
        return tuple(value for value in values if isinstance(value, GraphView))

    @property
    def reads(self) -> tuple[str, ...]:
        """The values of its graph, or of enclosing ones, that it or a subgraph of it reads; each once."""
        names = dict.fromkeys(name for name in self.inputs if name)
        for inner in self.subgraphs if self.attributes else ():
            names |= dict.fromkeys(inner.names_from_outside)
        return tuple(names)


class GraphView:
    """One graph, read-only. All look-ups are constant time.

    Attributes:
        path: "main", "main/LABEL.then_branch" for a subgraph, "function:DOMAIN.NAME" for a function.
        nodes: in the order of the file.
        inputs, outputs: value names; initializers are not among the inputs.
        parent: the enclosing graph of a subgraph, else None.
        opsets: domain → version ("" is the standard domain).
        stored: raw bytes of large constants of whole numbers, by name, or where they lie; `ModelView.read` reads those.
    """

    def __init__(  # noqa: PLR0917  # the parts of a graph, in one order everywhere
        self,
        path: str,
        nodes: tuple[Node, ...],
        values: Mapping[str, Value],
        inputs: tuple[str, ...],
        outputs: tuple[str, ...],
        constants: Mapping[str, Constant],
        opsets: Mapping[str, int],
        parent: GraphView | None = None,
        stored: Mapping[str, Reference | bytes] | None = None,
    ) -> None:
        self.path = path
        self.nodes = nodes
        self.inputs = inputs
        self.outputs = outputs
        self.opsets = opsets
        self.parent = parent
        self.stored = stored or {}
        self._values = values
        self._constants = constants
        self._producers = {name: node for node in nodes for name in node.outputs if name}
        consumers: dict[str, list[Node]] = {}
        for node in nodes:
            for name in dict.fromkeys(node.inputs):
                if name:
                    consumers.setdefault(name, []).append(node)
        self._consumers = {name: tuple(found) for name, found in consumers.items()}

    @property
    def opset(self) -> int:
        """Version of the standard domain; 1 where the model imports none."""
        return self.opsets.get("", 1)

    @cached_property
    def subgraphs(self) -> tuple[GraphView, ...]:
        """The graphs among the attributes of the nodes, in file order, not those nested in them."""
        return tuple(inner for node in self.nodes if node.attributes for inner in node.subgraphs)

    @cached_property
    def ops(self) -> frozenset[str]:
        """The operators of the nodes, whatever their domains."""
        return frozenset(node.op for node in self.nodes)

    @cached_property
    def captured(self) -> frozenset[str]:
        """The names that subgraphs of the nodes read, of whatever graph the values are."""
        return frozenset(name for inner in self.subgraphs for name in inner.names_read)

    @property
    def names_read(self) -> frozenset[str]:
        """The names that the nodes, their subgraphs and the graph's outputs read."""
        own = (name for node in self.nodes for name in node.inputs if name)
        return frozenset(own) | frozenset(self.outputs) | self.captured

    @cached_property
    def takers(self) -> Mapping[str, tuple[Node, ...]]:
        """For each value that bodies of this graph's nodes read from around them: these nodes."""
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(n for inner in node.subgraphs for n in inner.names_from_outside):
                found.setdefault(name, []).append(node)
        return {name: tuple(nodes) for name, nodes in found.items()}

    def is_read(self, name: str) -> bool:
        """Whether a node, a body of one, or the outside reads the value."""
        return bool(self._consumers.get(name)) or name in self.outputs or name in self.takers

    @property
    def names_from_outside(self) -> tuple[str, ...]:
        """The values of enclosing graphs that the nodes, their subgraphs and the graph's outputs read; each once."""
        names = dict.fromkeys(name for node in self.nodes for name in node.reads)
        names |= dict.fromkeys(self.outputs)
        return tuple(name for name in names if name and name not in self._values)

    def value(self, name: str) -> Value:
        """The value called `name`; of unknown dtype and shape where nothing is known of it. Never raises."""
        if name in self._values:
            return self._values[name]
        if self.parent is not None:
            outer = self.parent.value(name)
            return Value(name, "outer", outer.dtype, outer.shape)
        return Value(name, "node" if name in self._producers else "outer")

    def producer(self, name: str) -> Node | None:
        """The node that makes the value, None for inputs, initializers and values of an outer graph."""
        return self._producers.get(name)

    def consumers(self, name: str) -> tuple[Node, ...]:
        """The nodes of this graph that read the value, each once, in file order."""
        return self._consumers.get(name, ())

    def constant(self, name: str) -> Constant | None:
        """The elements of a small constant (an initializer or a Constant node); None for all else."""
        found = self._constants.get(name)
        if found is None and self.parent is not None and name not in self._values:
            return self.parent.constant(name)
        return found

    def is_constant(self, name: str) -> bool:
        """True for initializers of any size and outputs of Constant nodes."""
        if name in self._constants:
            return True
        value = self.value(name)
        if value.kind == "initializer":
            return True
        producer = self.producer(name)
        if producer is not None:
            return producer.op == "Constant"
        return value.kind == "outer" and self.parent is not None and self.parent.is_constant(name)

    def nodes_of(self, *ops: str) -> Iterator[Node]:
        """The nodes of the standard domain whose operator is one of `ops`, in file order."""
        for node in self.nodes:
            if node.op in ops and node.domain in ("", "ai.onnx"):
                yield node


@dataclass(frozen=True, eq=False)
class ModelView:
    """A model as rules see it: the main graph, functions, and what the file says about itself.

    `sha256` is taken over the model without the bytes of large weights. `inference_error` says why shape inference
    stopped, "" if it did not. `read` gives the bytes of what graphs have `stored`; it raises ModelError.
    """

    path: str
    sha256: str
    ir_version: int
    main: GraphView
    functions: tuple[GraphView, ...] = ()
    producer: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    inference_error: str = ""
    read: Callable[[Reference, str], bytes] | None = None

    @property
    def opset(self) -> int:
        """Opset of the standard domain."""
        return self.main.opset

    def graphs(self) -> Iterator[GraphView]:
        """The main graph, then every subgraph and function, depth first."""
        yield from _nested(self.main)
        for function in self.functions:
            yield from _nested(function)


def _nested(graph: GraphView) -> Iterator[GraphView]:
    yield graph
    for inner in graph.subgraphs:
        yield from _nested(inner)
