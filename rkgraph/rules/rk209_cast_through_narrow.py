"""RK209: a Cast through, or at the end to, a dtype of whole numbers that the compiler does not cast to or from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkgraph.analysis.intervals import DTYPE_RANGES, Intervals
from rkgraph.graph.rewrite import EXACT, Tolerance
from rkgraph.rulebook.known import NotKnown, lower
from rkgraph.rulebook.lowering import needing
from rkgraph.rulebook.narrow import NARROW, carrier_of, holds, wrap
from rkgraph.rulebook.rule import Finding

if TYPE_CHECKING:
    from rkgraph.graph.rewrite import Edit, Refusal, Rewrite
    from rkgraph.graph.view import GraphView, Node
    from rkgraph.rulebook.rule import LintContext
    from rkgraph.rulebook.writer import Writer


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live Cast of what a Cast made narrow, where one of both cannot run.

    And one for each that cannot run and gives the model an output of numbers that have to be wrapped for it.
    """
    needed = {(graph.path, node.index) for graph, node in needing(lint, ("Cast",))}
    for graph in lint.model.graphs():
        intervals = Intervals(graph)
        for node in lint.live_nodes(graph) if "Cast" in graph.ops else ():
            if node.op != "Cast" or node.domain not in ("", "ai.onnx"):
                continue
            place, first = (graph.path, node.index), _narrowing(graph, node.inputs[0])
            if first is not None and not needed.isdisjoint({place, (graph.path, first.index)}):
                dtype, gone = graph.value(node.inputs[0]).dtype, frozenset({place, (graph.path, first.index)})
                yield _finding(graph, node, f"numbers go through {dtype}, which the compiler does not cast", gone)
            elif first is None and place in needed and _wraps_at_the_end(graph, node, intervals):
                dtype = graph.value(node.outputs[0]).dtype
                yield _finding(graph, node, f"a Cast to {dtype} leaves a remainder, and cannot run", frozenset({place}))


def _finding(graph: GraphView, node: Node, message: str, explains: frozenset[tuple[str, int]]) -> Finding:
    observed = {"from": graph.value(node.inputs[0]).dtype, "to": graph.value(node.outputs[0]).dtype}
    return Finding(message, graph=graph.path, node=node, observed=observed, explains=explains)


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The numbers themselves where the narrow dtype holds them, else what is left of them modulo 2^bits."""
    return lower(lint, finding, "rk209", _write)


def _write(graph: GraphView, node: Node, w: Writer) -> Rewrite:
    output = node.outputs[0]
    first = _narrowing(graph, node.inputs[0])
    source = node.inputs[0] if first is None else first.inputs[0]
    narrow = graph.value(node.inputs[0] if first is not None else output).dtype or ""
    dtype, wanted = graph.value(source).dtype or "", graph.value(output).dtype or ""
    interval = Intervals(graph).of(source)
    is_whole, within = dtype in DTYPE_RANGES, holds(narrow, interval)
    if within and (is_whole or interval.integer or (wanted in DTYPE_RANGES and wanted != "bool")):
        numbers = source
    else:  # a Cast of floats cuts off what is behind the point
        carrier = "int64" if dtype == "int64" else carrier_of(narrow)
        numbers = source if dtype == carrier else w.cast(source, carrier)
        numbers = numbers if within else wrap(w, numbers, carrier, narrow)
        if narrow == "uint64" and not within and wanted not in DTYPE_RANGES:
            raise NotKnown(f"{source} may be negative, and uint64 makes numbers beyond int64 of that")
    # Casting floats that the narrow dtype does not hold is left open by ONNX where they are beyond 2^31.
    tolerance = EXACT if is_whole else Tolerance(0.0, 1e-9)
    told = f"{narrow} holds the numbers" if within else f"the remainder modulo {narrow} is computed"
    return w.rewrite({output: w.cast(numbers, wanted)}, tolerance, told)


def _narrowing(graph: GraphView, name: str) -> Node | None:
    """The Cast from a wider dtype that makes a value of a narrow dtype; None where something else makes it."""
    maker = graph.producer(name)
    if maker is None or maker.op != "Cast" or maker.domain not in ("", "ai.onnx"):
        return None
    return maker if graph.value(name).dtype in NARROW and graph.value(maker.inputs[0]).dtype not in NARROW else None


def _wraps_at_the_end(graph: GraphView, node: Node, intervals: Intervals) -> bool:
    dtype, source = graph.value(node.outputs[0]).dtype, graph.value(node.inputs[0]).dtype
    if node.outputs[0] not in graph.outputs or dtype not in NARROW or dtype == "uint64" or source in NARROW:
        return False
    return not holds(dtype, intervals.of(node.inputs[0]))
