"""How much a model is, roughly: layers, multiplications, bytes. For rules that weigh a model as a whole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.analysis.work import RENAMES, multiplications

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext

__all__ = ["LAYER_MICROSECONDS", "NPU_MACS", "computed", "layers_of", "macs_of", "megabytes", "value_bytes"]

LAYER_MICROSECONDS = 19.0
"""What starting a layer costs: 31 ms for 1,600 layers of a streaming zipformer on RK3588, driver 0.9.6."""

NPU_MACS = 400e3
"""Multiplications in a microsecond that users reach on one core of an RK3588."""


def layers_of(lint: LintContext) -> tuple[Node, ...]:
    """The nodes of the main graph that are likely to become a layer: what is not folded and does more than rename."""
    return tuple(node for node in lint.live_nodes(lint.model.main) if node.op not in RENAMES and node.op != "Constant")


def macs_of(lint: LintContext) -> float:
    """Multiplications of convolutions and matrix products."""
    main = lint.model.main
    return sum(multiplications(main, node) for node in lint.live_nodes(main))


def value_bytes(graph: GraphView, name: str, of_float: float = 2.0) -> float | None:
    """Bytes of a value on the board, where a float takes `of_float`; None where its shape is not known."""
    value = graph.value(name)
    if not value.is_static or value.dtype is None:
        return None
    elements = math.prod(size for size in value.shape or () if isinstance(size, int))
    return elements * (of_float if "float" in value.dtype else float(_whole_bytes(value.dtype)))


def megabytes(count: float) -> str:
    """E.g. "4.2 MB"."""
    return f"{count / 2**20:.1f} MB"


def computed(graph: GraphView, node: Node) -> Iterator[str]:
    """The values that a node reads and makes, constants left out."""
    yield from (name for name in dict.fromkeys(node.inputs) if name and not graph.is_constant(name))
    yield from (name for name in node.outputs if name)


def _whole_bytes(dtype: str) -> int:
    bits = "".join(sign for sign in dtype if sign.isdecimal())
    return max(1, int(bits) // 8) if bits else 1
