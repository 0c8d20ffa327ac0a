"""RK231: a small number that keeps a divisor from being zero, and that fp16 rounds to zero."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.analysis.schemas import STANDARD
from rkgraph.graph.rewrite import Edit, Refusal, Tolerance
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.known import FLOATS
from rkgraph.rulebook.pattern import scalar
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.unit_vectors import unit_vectors
from rkgraph.rulebook.writer import Writer

SMALLEST = 2.0**-24
"""The smallest fp16 number above zero; half of it and less is rounded to zero."""

_FAR = 32  # values that are looked at; a division lies near the number that guards it
_ROOT = 0.5  # of a root: the smallest number to a larger power, divided by, is an infinity in fp16

_KEPT_BY = frozenset({
    "Cast", "Expand", "Flatten", "Identity", "Reshape", "Sqrt", "Squeeze", "Tile", "Transpose", "Unsqueeze",
})  # fmt: skip


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Add, Max and Clip of such a number before a division or a logarithm."""
    for graph in lint.model.graphs():
        for node in lint.live_nodes(graph):
            epsilon = _epsilon(graph, node)
            if epsilon is None or not 0.0 < epsilon <= SMALLEST / 2 or _is_of_a_norm(graph, node):
                continue
            guarded = _guarded(graph, node.outputs[0])
            if guarded is not None and not _is_of_unit_vectors(graph, guarded):
                yield Finding(
                    f"{epsilon:g} is 0 in fp16 and guards nothing: where the other side is 0, {guarded.label} "
                    "makes NaN or an infinity",
                    graph=graph.path,
                    node=node,
                    observed={"epsilon": epsilon, "guarded": guarded.label},
                    limit={"epsilon": SMALLEST},
                    evidence=("rewrites:vanishing-epsilon",),
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The smallest number that fp16 holds."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    out = node.outputs[0]
    dtype = graph.value(out).dtype
    if dtype not in FLOATS:
        return Refusal(f"{out} is {dtype or 'of unknown dtype'}")
    write = Writer(graph, f"rk231/{out}")
    if node.op == "Clip":
        high = (
            node.attributes.get("max") if len(node.inputs) < 3 or not node.inputs[2] else scalar(graph, node.inputs[2])
        )
        if len(node.inputs) > 2 and node.inputs[2] and high is None:
            return Refusal(f"the upper bound of {node.label} is computed")
        new = write.clip(node.inputs[0], dtype, SMALLEST, high)
    else:
        x = next(name for name in node.inputs if scalar(graph, name) != finding.observed["epsilon"])
        new = write.op(node.op, x, write.constant(SMALLEST, dtype, "epsilon"))
    detail = f"{finding.observed['epsilon']:g} → {SMALLEST:g}"
    return write.rewrite({out: new}, Tolerance(2 * SMALLEST, 2.0**-23), detail)


def _epsilon(graph: GraphView, node: Node) -> float | None:
    """The number that is added, or the lower bound; None where there is none."""
    if node.domain not in STANDARD:
        return None
    if node.op == "Clip":
        if len(node.inputs) > 1 and node.inputs[1]:
            return scalar(graph, node.inputs[1])
        bound = node.attributes.get("min")
        return bound if isinstance(bound, float) else None
    if node.op not in ("Add", "Max") or len(node.inputs) != 2:
        return None
    numbers = [number for name in node.inputs if (number := scalar(graph, name)) is not None]
    return numbers[0] if len(numbers) == 1 else None


def _is_of_a_norm(graph: GraphView, node: Node) -> bool:
    """A mean and an epsilon: the compiler makes one layer of the norm, with an epsilon of its own in float32."""
    makers = [graph.producer(name) for name in node.inputs]
    return any(maker is not None and maker.op == "ReduceMean" for maker in makers)


def _is_of_unit_vectors(graph: GraphView, node: Node) -> bool:
    """Whether a division by a length ends at `node`, or behind it where it is a reciprocal: those are RK232."""
    ends = (node, *graph.consumers(node.outputs[0]))
    return any(unit_vectors(graph, each) is not None for each in ends)


def _guarded(graph: GraphView, name: str) -> Node | None:
    """The first node that divides by the value, as it is or rooted or in another shape, or takes its logarithm."""
    waiting, seen = [(name, 1.0)], {name}
    while waiting and len(seen) <= _FAR:
        value, power = waiting.pop()
        for reader in graph.consumers(value):
            if reader.domain not in STANDARD:
                continue
            if reader.op == "Log" or _divides(graph, reader, value, power):
                return reader
            if reader.op in _KEPT_BY and reader.inputs[0] == value and reader.outputs[0] not in seen:
                seen.add(reader.outputs[0])
                waiting.append((reader.outputs[0], power / 2 if reader.op == "Sqrt" else power))
    return None


def _divides(graph: GraphView, node: Node, value: str, power: float) -> bool:
    """Whether `node` divides by `value`, which is a guarded one to the `power`, and its result is finite in the end.

    The reciprocal of the smallest number is beyond 65504 and stays infinite, that of its root is not.
    """
    if node.op == "Div" and node.inputs[1] == value:
        return power <= _ROOT or not graph.is_constant(node.inputs[0])
    if node.op == "Reciprocal":
        return power <= _ROOT
    if node.op != "Pow" or node.inputs[0] != value:
        return False
    exponent = scalar(graph, node.inputs[1])
    return exponent is not None and exponent < 0.0 and -exponent * power <= _ROOT
