"""What an estimate is made of: counts and bytes of the nodes that reach the compiler, by class, in one pass.

The class of a node is its operator and, where that decides whether the compiler joins it to another layer, what feeds
it: "Add~" is an Add behind a convolution or product, "MatMul" one by a constant, "MatMul×" one of two computed values.
What runs on the CPU is a layer of its own whatever it is: "cpu".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rkgraph.analysis.work import RENAMES, multiplications
from rkgraph.cost.products import PRODUCTS, padded_multiplications
from rkgraph.cost.sizes import Sizes
from rkgraph.diagnostics import Device
from rkgraph.graph.view import GraphView, Node
from rkgraph.records import Record

__all__ = ["Features", "Product", "read_features"]

CPU_CLASS = "cpu"
OTHER_CLASS = "other"
_COUNTED = frozenset({*PRODUCTS, "GRU", "LSTM", "RNN"})


class Product(Record):
    """A convolution or matrix product on the NPU: bytes that it moves, multiplications with all filled up.

    `constant`: one of its factors is a constant.
    """

    moved: float
    padded: float
    constant: bool


@dataclass
class Features:
    """Sums over the main graph. A sum that needs a shape which is not known is None.

    Attributes:
        counts: nodes by class.
        reads: bytes that they read, constants too, by class.
        products: convolutions and matrix products on the NPU.
        macs: multiplications of all products and recurrent layers.
        weights: bytes of constants that are read; `tables`: of them, those that the CPU reads.
        activations: bytes of the values that are made.
        peak: the most that lives at one time, in the order of the file.
        interface: inputs and outputs of the model.
        unshaped: nodes of which a shape is not known.
    """

    counts: Counter[str] = field(default_factory=Counter)
    reads: Counter[str] = field(default_factory=Counter)
    products: list[Product] = field(default_factory=list)
    macs: float | None = 0.0
    weights: float | None = 0.0
    tables: float = 0.0
    activations: float | None = 0.0
    peak: float | None = 0.0
    interface: int = 0
    unshaped: int = 0

    @property
    def known(self) -> bool:
        """Whether all shapes are."""
        return self.unshaped == 0 and None not in (self.macs, self.weights, self.activations, self.peak)


def read_features(graph: GraphView, live: Iterable[Node], devices: Mapping[int, Device], sizes: Sizes) -> Features:
    """The features of a graph.

    Args:
        graph: the main graph.
        live: its nodes that are not folded, in file order.
        devices: by node index.
        sizes: of the graph's values.
    """
    found = Features(interface=len(graph.inputs) + len(graph.outputs))
    nodes = tuple(live)
    made = {name for node in nodes for name in node.outputs if name} | set(graph.inputs)
    kinds: dict[str, str] = {}
    weights: dict[str, float | None] = {}
    total: float = 0.0
    replacing: set[int] = set()
    for node in nodes:
        kind = _class(node, devices.get(node.index), made, kinds)
        read: float | None = 0.0
        for name in node.inputs:
            if name:
                size = sizes.of(name)
                read = None if size is None or read is None else read + size
                if name not in made:
                    if kind == CPU_CLASS and name not in weights:
                        found.tables += size or 0.0
                    weights[name] = size
        written = _sum(sizes.of(name) for name in node.outputs if name)
        found.counts[kind] += 1
        if kind.endswith("~") or node.op in RENAMES:
            replacing.add(node.index)
        if read is None or written is None:
            found.unshaped += 1
            continue
        found.reads[kind] += int(read)
        total += written
        if node.op in _COUNTED and node.domain in ("", "ai.onnx"):
            found.macs = (found.macs or 0.0) + multiplications(graph, node)
            padded = padded_multiplications(graph, node)
            if padded and devices.get(node.index) is Device.NPU:
                found.products.append(Product(read + written, padded, node.inputs[1] not in made))
    shaped = not found.unshaped
    found.weights = _sum(weights.values())
    found.activations = total if shaped else None
    found.peak = _peak(graph, nodes, sizes, replacing) if shaped else None
    if not shaped:
        found.macs = None
    return found


def _class(node: Node, device: Device | None, made: Container[str], kinds: dict[str, str]) -> str:
    """The class of the node; `kinds` has what makes each value so far: "~" for products and what joins them."""
    if device in (Device.CPU, Device.NO_KERNEL, Device.HOST):
        return CPU_CLASS
    if node.domain not in ("", "ai.onnx"):
        return OTHER_CLASS
    computed = [name for name in node.inputs if name in made]
    if node.op in PRODUCTS:
        mark = "×" if len(computed) > 1 else ""
        after = "~"
    else:
        mark = "~" if any(kinds.get(name) for name in computed) else ""
        after = mark if node.op in _JOINED else ""
    for name in node.outputs:
        kinds[name] = after
    return node.op + mark


_JOINED = frozenset({"Add", "BatchNormalization"})
"""What may be part of a product's layer, so that what comes after it is behind the product, too."""


def _peak(graph: GraphView, nodes: Sequence[Node], sizes: Sizes, replacing: Container[int]) -> float | None:
    """The most bytes that live at one time: a value lives from the node that makes it to the last that reads it.

    What nodes in `replacing` make takes the place of what they read last: they rename, or are part of another layer.
    """
    last = {name: place for place, node in enumerate(nodes) for name in node.inputs if name}
    last |= dict.fromkeys(graph.outputs, len(nodes))
    alive = most = _sum(sizes.of(name) for name in graph.inputs)
    if alive is None or most is None:
        return None
    dying: dict[int, float] = {}
    for name in graph.inputs:
        dying[last.get(name, -1)] = dying.get(last.get(name, -1), 0.0) + (sizes.of(name) or 0.0)
    for place, node in enumerate(nodes):
        if node.index in replacing:
            alive -= dying.pop(place, 0.0)
        for name in node.outputs:
            size = (sizes.of(name) or 0.0) if name else 0.0
            alive += size
            dying[last.get(name, place)] = dying.get(last.get(name, place), 0.0) + size
        most = max(most, alive)
        alive -= dying.pop(place, 0.0)
    return most


def _sum(parts: Iterable[float | None]) -> float | None:
    total = 0.0
    for part in parts:
        if part is None:
            return None
        total += part
    return total
