"""Which nodes are gone before the compiler lowers anything.

The toolkit folds what depends on constants only, takes shapes that are known for constants, and drops what feeds no
output (its `fold_constant` passes run in ONNX Runtime; seen with 2.2.0 to 2.5.0). Nodes with randomness never fold.
"""

from __future__ import annotations

from collections.abc import Mapping

from rkgraph.analysis.origins import Origin, subgraphs, value_origins
from rkgraph.graph.view import GraphView, ModelView

__all__ = ["folded_nodes"]


def folded_nodes(
    model: ModelView, origins: Mapping[str, Mapping[str, Origin]] | None = None
) -> frozenset[tuple[str, int]]:
    """(graph path, node index) of the nodes that disappear: fixed ones, dead ones, and all inside them.

    A function that no live node calls is dead as a whole.
    """
    origins = value_origins(model) if origins is None else origins
    folded: set[tuple[str, int]] = set()
    called: set[str] = set()
    _fold(model.main, origins, folded, called)
    waiting = {function.path: function for function in model.functions}
    while ready := sorted(called & waiting.keys()):
        for path in ready:
            _fold(waiting.pop(path), origins, folded, called)
    for function in waiting.values():
        _fold_whole(function, folded)
    return frozenset(folded)


def _fold(
    graph: GraphView,
    origins: Mapping[str, Mapping[str, Origin]],
    folded: set[tuple[str, int]],
    called: set[str],
) -> None:
    of_values = origins[graph.path]
    needed = set(graph.outputs)
    for node in reversed(graph.nodes):
        outputs = [name for name in node.outputs if name]
        is_fixed = all(of_values[name] is Origin.FIXED for name in outputs)
        if is_fixed or needed.isdisjoint(outputs):
            folded.add((node.path, node.index))
            for inner in subgraphs(node):
                _fold_whole(inner, folded)
            continue
        needed.update(node.inputs)
        called.add(f"function:{node.domain}.{node.op}")
        for inner in subgraphs(node):
            _fold(inner, origins, folded, called)
            needed.update(_captured(inner))


def _fold_whole(graph: GraphView, folded: set[tuple[str, int]]) -> None:
    for node in graph.nodes:
        folded.add((node.path, node.index))
        for inner in subgraphs(node):
            _fold_whole(inner, folded)


def _captured(graph: GraphView) -> set[str]:
    """Names that `graph` and the graphs within read from around it (and harmlessly, some of its own)."""
    names = {name for node in graph.nodes for name in node.inputs} | set(graph.outputs)
    for node in graph.nodes:
        for inner in subgraphs(node):
            names.update(_captured(inner))
    return names
