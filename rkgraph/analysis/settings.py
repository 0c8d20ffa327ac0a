"""Inputs of a model that say how to compute (axes, sizes, counts, switches), not what; and whether that is all.

A length that only decides how much is computed may be frozen. One that also goes into numbers, as the bound of a mask
does, may not be frozen silently: the model would be right for that one length.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rkgraph.analysis.origins import SHAPE_INPUTS
from rkgraph.graph.view import GraphView, Node
from rkgraph.records import Record

__all__ = ["SETTINGS", "Setting", "settings_of"]

_REDUCTIONS = ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")

SETTINGS: Mapping[str, tuple[int, ...]] = {
    **SHAPE_INPUTS,
    **{f"Reduce{kind}": (1,) for kind in _REDUCTIONS},
    "AffineGrid": (1,), "BlackmanWindow": (0,), "Col2Im": (1, 2), "CumSum": (1,), "DFT": (1, 2), "Dropout": (1, 2),
    "HammingWindow": (0,), "HannWindow": (0,), "If": (0,), "Loop": (0, 1), "MaxUnpool": (2,),
    "MelWeightMatrix": (0, 1, 2, 3, 4), "Resize": (1, 2, 3), "STFT": (1, 3), "SequenceAt": (1,), "SequenceErase": (1,),
    "SequenceInsert": (2,), "SplitToSequence": (1,), "Trilu": (1,),
}  # fmt: skip
"""Inputs by operator and position that say how to compute: ONNX operator specifications."""

_ALSO_VALUES: Mapping[str, tuple[int, ...]] = {"Range": (0, 2), "MelWeightMatrix": (0, 1, 2, 3, 4), "Dropout": (1,)}
"""Of these, inputs whose numbers are in the result as well."""

_NAMES_OF_SHAPES = frozenset({"Shape", "Size"})


class Setting(Record):
    """How an input of the main graph is used.

    Attributes:
        decides: nodes that take it, or what is computed of it, as a setting; with the position.
        goes_into: the first node on the way to an output in which it meets data as a number; None: nowhere.
    """

    decides: tuple[tuple[Node, int], ...]
    goes_into: Node | None


def settings_of(graph: GraphView) -> dict[str, Setting]:
    """The inputs of `graph` that some node needs as a setting, directly or after arithmetic."""
    found = {name: _use(graph, name) for name in graph.inputs if _may_be_a_setting(graph, name)}
    return {name: use for name, use in found.items() if use.decides}


def _may_be_a_setting(graph: GraphView, name: str) -> bool:
    """Whole numbers, switches, and floats of rank 0 or 1 (scales, bounds); never more than a list of them."""
    value = graph.value(name)
    return value.dtype is not None and value.shape is not None and len(value.shape) < 2


def _use(graph: GraphView, name: str) -> Setting:
    numbers = {name}
    decides: list[tuple[Node, int]] = []
    readers: list[Node] = []
    for node in graph.nodes:
        positions = [p for p, read in enumerate(node.inputs) if read in numbers]
        if not positions and numbers.isdisjoint(node.reads):
            continue
        settings = _settings(node)
        decides.extend((node, p) for p in positions if p in settings)
        also = _ALSO_VALUES.get(node.op, ())
        as_number = [p for p in positions if p not in settings or p in also]
        if node.op not in _NAMES_OF_SHAPES and (as_number or not positions):
            numbers.update(filter(None, node.outputs))
            readers.append(node)
    return Setting(tuple(decides), _meets_data(graph, numbers, readers))


def _settings(node: Node) -> tuple[int, ...]:
    return SETTINGS.get(node.op, ()) if node.domain in ("", "ai.onnx") else ()


def _meets_data(graph: GraphView, numbers: set[str], readers: list[Node]) -> Node | None:
    """The first of `readers` that feeds an output with `numbers`, and not only settings."""
    needed = numbers & set(graph.outputs)
    on_the_way: list[Node] = []
    for node in reversed(readers):
        if not needed.isdisjoint(node.outputs):
            on_the_way.append(node)
            needed.update(_as_numbers(node, numbers))
    if not on_the_way:
        return None
    strange = (node for node in reversed(on_the_way) if any(_is_data(graph, read, numbers) for read in node.inputs))
    return next(strange, on_the_way[-1])


def _as_numbers(node: Node, numbers: set[str]) -> Iterator[str]:
    settings, also = _settings(node), _ALSO_VALUES.get(node.op, ())
    for position, read in enumerate(node.inputs):
        if read in numbers and (position not in settings or position in also):
            yield read


def _is_data(graph: GraphView, name: str, numbers: set[str]) -> bool:
    return bool(name) and name not in numbers and not graph.is_constant(name)
