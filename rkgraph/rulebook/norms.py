"""Layer normalizations that are written as a composition: mean, centred values, variance, deviation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.records import Record
from rkgraph.rulebook.pattern import scalar

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

__all__ = ["Norm", "blockers", "norms"]


class Norm(Record):
    """The parts of sqrt(mean((x − mean(x))²) + ε): values by name, nodes that make or read them.

    `centring` are the nodes that subtract the mean, `squares` the one that squares, `shifted` the Add of ε, `root` the
    Sqrt.
    """

    mean: str
    centred: str
    variance: str
    centring: tuple[Node, ...]
    squares: tuple[Node, ...]
    shifted: Node
    root: Node

    def is_over_last(self, graph: GraphView) -> bool:
        """Whether the mean is that over the last axis, and keeps it."""
        node, shape = graph.producer(self.mean), graph.value(self.centred).shape
        if node is None or not node.attributes.get("keepdims", 1):
            return False
        given = node.attributes.get("axes")
        constant = graph.constant(node.inputs[1]) if given is None and len(node.inputs) > 1 else None
        axes = tuple(given) if given is not None else constant.values if constant is not None else ()
        return len(axes) == 1 and axes[0] in (-1, *(() if shape is None else (len(shape) - 1,)))


def norms(graph: GraphView) -> Iterator[Norm]:
    """All of them in a graph, in file order; RMS norms, which do not centre, are none."""
    for root in graph.nodes_of("Sqrt"):
        found = _norm(graph, root)
        if found is not None:
            yield found


def blockers(graph: GraphView, norm: Norm) -> Iterator[str]:
    """What keeps the compiler from making one layer on the NPU of it, in words; nothing where it does."""
    deviation = norm.root.outputs[0]
    divisions = [node for node in graph.consumers(deviation) if node.op == "Div" and node.inputs[1] == deviation]
    for reader in graph.consumers(deviation):
        if reader not in divisions:
            yield f"{reader.label} ({reader.op}) reads the deviation, where one Div should"
    if len(norm.centring) > 1:
        yield f"the mean is subtracted {len(norm.centring)} times, where one Sub should be read twice"
    others = [node for node in graph.consumers(norm.centred) if node not in (*norm.squares, *divisions)]
    if others and divisions:
        yield f"the centred values '{norm.centred}' are read by {others[0].label} ({others[0].op}), too"
    others = [node for node in graph.consumers(norm.variance) if node is not norm.shifted]
    if others:
        yield f"the variance '{norm.variance}' is read by {others[0].label} ({others[0].op}), too"
    for what, name in (("mean", norm.mean), ("centred values", norm.centred), ("variance", norm.variance)):
        if name in graph.outputs:
            yield f"the {what} '{name}' leave{'' if what == 'centred values' else 's'} the model as an output"


def _norm(graph: GraphView, root: Node) -> Norm | None:
    shifted = _made_by(graph, root.inputs[0], "Add")
    variance = next((n for n in shifted.inputs if scalar(graph, n) is None), "") if shifted is not None else ""
    mean_of_squares = _made_by(graph, variance, "ReduceMean")
    square = _made_by(graph, mean_of_squares.inputs[0], "Pow", "Mul") if mean_of_squares is not None else None
    if shifted is None or square is None or len(set(square.inputs[: 1 if square.op == "Pow" else 2])) != 1:
        return None
    centring = _made_by(graph, square.inputs[0], "Sub")
    mean = _made_by(graph, centring.inputs[1], "ReduceMean") if centring is not None else None
    if centring is None or mean is None or mean.inputs[0] != centring.inputs[0]:
        return None
    name = mean.outputs[0]
    subtracting = tuple(node for node in graph.consumers(name) if node.op == "Sub" and node.inputs == centring.inputs)
    return Norm(name, centring.outputs[0], variance, subtracting, (square,), shifted, root)


def _made_by(graph: GraphView, name: str, *ops: str) -> Node | None:
    """The node that makes a value, where it is one of these operators."""
    node = graph.producer(name) if name else None
    return node if node is not None and node.op in ops and node.domain in ("", "ai.onnx") else None
