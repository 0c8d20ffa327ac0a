"""A model cut into stages: each a model of its own, for the NPU or for the host, that share its weights."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal

from rkgraph.analysis.partition import HOST, NPU, Costs, Part, Piece, partition
from rkgraph.analysis.work import STAGE, byte_size, crossing_time, host_time, npu_time, works
from rkgraph.graph.model import Model
from rkgraph.graph.view import GraphView, Node
from rkgraph.records import Record
from rkgraph.results import Stage, TensorInfo
from rkgraph.rulebook.rule import LintContext
from rkgraph.targets import refused_inputs

__all__ = ["FixedStage", "Layout", "crossings_of", "stages_of"]

Kind = Literal["rknn", "onnx"]

KINDS: Mapping[str, Kind] = {NPU: "rknn", HOST: "onnx"}


class FixedStage(Record):
    """One stage of a fixed model.

    Attributes:
        name: e.g. "1-npu"; its model is written as NAME.onnx.
        kind: "rknn" or "onnx" (on the host's CPU).
        model: what it computes, not saved yet.
        nodes: of the main graph of the whole model, by index.
        inputs, outputs: in the order of its model.
    """

    name: str
    kind: Kind
    model: Model
    nodes: frozenset[int]
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]

    @property
    def file(self) -> str:
        """The file name of its ONNX model in a bundle."""
        return f"{self.name}.onnx"

    @property
    def record(self) -> Stage:
        """The stage as a report shows it."""
        return Stage(self.name, self.kind, self.file, self.inputs, self.outputs)


class Layout(Record):
    """What a graph consists of as far as cutting is concerned.

    Attributes:
        graph: the main graph.
        nodes: those that are placed; constants go with whoever reads them.
        refused: dtypes that a compiled model takes no inputs of.
        fallen: nodes, by index, that the runtime computes on its CPU.
    """

    graph: GraphView
    nodes: tuple[Node, ...]
    refused: frozenset[str]
    fallen: frozenset[int]

    @classmethod
    def of(cls, lint: LintContext) -> Layout:
        """The layout of the main graph."""
        graph = lint.model.main
        constant = _constants(lint, graph)
        placed = [node for node in graph.nodes if node.index not in constant]
        nodes = tuple(_alive(graph, placed))
        places = [(node.index, lint.judgements.get((node.path, node.index))) for node in nodes]
        fallen = frozenset(index for index, told in places if told is not None and told.outcome == "cpu")
        return cls(graph, nodes, frozenset(refused_inputs(lint.target.toolkit)), fallen)

    def parts(self, host: Collection[int], fixed: Collection[str] = ()) -> tuple[Part, ...]:
        """The stages, with the nodes `host` (by index) on the host, and no cut at the values `fixed`; see `partition`.

        The pieces of the parts are indices into `nodes`.
        """
        pieces = [self._piece(node, node.index in host) for node in self.nodes]
        names = [name for node in self.nodes for name in node.outputs if name]
        prices = {name: self._price(name, fixed) for name in names}
        return partition(pieces, Costs(prices, STAGE))

    def _piece(self, node: Node, on_host: bool) -> Piece:
        npu = None if on_host else npu_time(self.graph, node, falls=node.index in self.fallen)
        outputs = tuple(name for name in node.outputs if name)
        return Piece(node.reads, outputs, npu, host_time(self.graph, node), works(node))

    def _price(self, name: str, fixed: Collection[str]) -> float | None:
        """Microseconds for a value to cross; None where no compiled model takes or gives it."""
        value = self.graph.value(name)
        if name in fixed or not value.shape or not value.is_static or value.dtype in self.refused or 0 in value.shape:
            return None
        return crossing_time(self.graph, name)


def stages_of(layout: Layout, parts: Sequence[Part], model: Model) -> tuple[FixedStage, ...]:
    """The models of `parts`, in order.

    Raises:
        ValueError: the dtype of a value that crosses is not known.
    """
    graph = layout.graph
    groups = [[layout.nodes[index] for index in part.pieces] for part in parts]
    made = [{name for node in group for name in node.outputs if name} for group in groups]
    everything = set().union(*made)
    loose = [name for name in graph.outputs if name not in everything and name not in graph.inputs]
    keeper = next((i for i, part in enumerate(parts) if part.device == HOST), 0)
    stages = []
    for i, (part, group) in enumerate(zip(parts, groups, strict=True)):
        behind = {name for later in groups[i + 1 :] for node in later for name in node.reads} | set(graph.outputs)
        outputs = [name for node in group for name in node.outputs if name in behind]
        outputs += loose if i == keeper else []
        given = {name for node in group for name in node.reads} - made[i]
        inputs = [name for name in graph.inputs if name in given]
        inputs += [n for earlier in groups[:i] for node in earlier for n in node.outputs if n in given]
        own = model.part(inputs, outputs)
        nodes = frozenset(node.index for node in group)
        name = f"{i + 1}-{part.device}"
        stages.append(FixedStage(name, KINDS[part.device], own, nodes, _infos(graph, inputs), _infos(graph, outputs)))
    return tuple(stages)


def crossings_of(graph: GraphView, stages: Sequence[FixedStage]) -> Iterator[tuple[FixedStage, FixedStage, str, float]]:
    """Each value that one stage makes and a later one on another device reads: from, to, name, bytes."""
    for index, stage in enumerate(stages):
        made = {tensor.name for tensor in stage.outputs}
        for later in stages[index + 1 :]:
            for tensor in later.inputs:
                if tensor.name in made and later.kind != stage.kind:
                    yield stage, later, tensor.name, byte_size(graph, tensor.name)


def _infos(graph: GraphView, names: Sequence[str]) -> tuple[TensorInfo, ...]:
    return tuple(TensorInfo(name, graph.value(name).dtype, graph.value(name).shape) for name in names)


def _constants(lint: LintContext, graph: GraphView) -> frozenset[int]:
    """The nodes that can be computed from constants alone, wherever they are needed.

    What the compiler folds besides, the shape of a computed value for one, needs that value to be computed.
    """
    found: set[int] = set()
    for node in graph.nodes:
        reads_constants = all(
            graph.is_constant(name) or ((p := graph.producer(name)) is not None and p.index in found)
            for name in node.reads
        )
        if reads_constants and (node.path, node.index) in lint.folding.constant:
            found.add(node.index)
    return frozenset(found)


def _alive(graph: GraphView, nodes: Sequence[Node]) -> Iterator[Node]:
    """The nodes that some output of the graph needs, in file order."""
    wanted, alive = set(graph.outputs), set[int]()
    for node in reversed(nodes):
        if not wanted.isdisjoint(node.outputs):
            alive.add(node.index)
            wanted.update(node.reads)
    return (node for node in nodes if node.index in alive)
