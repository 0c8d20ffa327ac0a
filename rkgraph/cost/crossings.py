"""Values that go from the NPU to the CPU or back, and how that changes where nodes change their place.

A value crosses where a node on one side makes it and a node on the other reads it: once, however many read it. Nodes
without a kernel count as the CPU's (that is where a custom operator would run); folded nodes and nodes of which nobody
knows where they run are on no side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rkgraph.cost.sizes import Sizes
from rkgraph.diagnostics import Device
from rkgraph.graph.view import GraphView

__all__ = ["Crossings"]

_SIDES: Mapping[Device, int] = {Device.NPU: 0, Device.CPU: 1, Device.HOST: 1, Device.NO_KERNEL: 1}


class Crossings:
    """The crossings of one graph with its nodes placed.

    Args:
        graph: the graph.
        devices: by node index.
        sizes: of its values.
    """

    def __init__(self, graph: GraphView, devices: Mapping[int, Device], sizes: Sizes) -> None:
        self._graph = graph
        self._sizes = sizes
        self._sides = {index: side for index, device in devices.items() if (side := _SIDES.get(device)) is not None}
        self._makers: dict[str, int] = {}
        self._readers: dict[str, list[int]] = {}  # how many of the NPU's and of the CPU's nodes read the value
        for node in graph.nodes:
            side = self._sides.get(node.index)
            if side is not None:
                self._makers.update((name, side) for name in node.outputs if name)
                for name in set(node.inputs):
                    self._readers.setdefault(name, [0, 0])[side] += 1
        self.values = tuple(name for name, side in self._makers.items() if self._crosses(side, self._readers.get(name)))

    @property
    def bytes(self) -> float | None:
        """Bytes of all values that cross; None where one's shape is not known."""
        return self._bytes(self.values)

    def gain(self, moved: Mapping[int, Device]) -> tuple[int, float | None]:
        """How many fewer values cross, and how many fewer bytes, where nodes (by index) run elsewhere."""
        touched = {
            name for index in moved for name in (*self._graph.nodes[index].inputs, *self._graph.nodes[index].outputs)
        }
        touched.discard("")
        makers = {name: self._makers.get(name) for name in touched}
        readers = {name: list(self._readers.get(name, (0, 0))) for name in touched}
        for index, device in moved.items():
            self._move(index, _SIDES.get(device), makers, readers)
        before = [name for name in touched if self._crosses(self._makers.get(name), self._readers.get(name))]
        after = [name for name in touched if self._crosses(makers[name], readers[name])]
        lost, won = self._bytes(after), self._bytes(before)
        return len(before) - len(after), None if lost is None or won is None else won - lost

    def _move(
        self, index: int, side: int | None, makers: dict[str, int | None], readers: Mapping[str, list[int]]
    ) -> None:
        node = self._graph.nodes[index]
        old = self._sides.get(index)
        makers.update((name, side) for name in node.outputs if name)
        for name in set(node.inputs) - {""}:
            if old is not None:
                readers[name][old] -= 1
            if side is not None:
                readers[name][side] += 1

    @staticmethod
    def _crosses(side: int | None, readers: list[int] | None) -> bool:
        return side is not None and readers is not None and readers[1 - side] > 0

    def _bytes(self, names: Iterable[str]) -> float | None:
        total = 0.0
        for name in names:
            size = self._sizes.of(name)
            if size is None:
                return None
            total += size
        return total
