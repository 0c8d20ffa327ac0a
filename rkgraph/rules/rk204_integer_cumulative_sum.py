"""RK204: positions counted by a cumulative sum of whole numbers, for which the board has no kernel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rkgraph.analysis.masks import FloatMask, NotAMask, Term, emit, is_discrete
from rkgraph.analysis.origins import Origin
from rkgraph.graph.rewrite import EXACT, Between, Edit, Refusal, Rewrite, Tape
from rkgraph.graph.tensors import dtype_code
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext

LARGEST_WHOLE = 2048
"""Every whole number up to here is an fp16 number (11 significant bits)."""


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each live CumSum of whole numbers."""
    for graph in lint.model.graphs():
        for node in lint.live_nodes(graph):
            dtype = graph.value(node.outputs[0]).dtype
            if node.op == "CumSum" and node.domain in ("", "ai.onnx") and is_discrete(dtype):
                yield Finding(
                    f"{node.label} sums up {dtype}; the board sums up floats only",
                    graph=graph.path,
                    node=node,
                    observed={"dtype": dtype},
                    limit={"dtype": "float16 or float32"},
                    evidence=("rewrites:positions",),
                    explains=frozenset({(graph.path, node.index)}),
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same sum in floats, with the whole-number arithmetic on both sides of it."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    mask = FloatMask(graph, lambda name: lint.origin(graph, name) is Origin.FIXED)
    try:
        counted, assumes = _count(graph, node, mask)
        end = _follow(graph, mask, counted)
    except NotAMask as reason:
        return Refusal(str(reason))
    if end.largest > LARGEST_WHOLE:
        return Refusal(f"{end.name} may reach {end.largest:.0f}, and fp16 counts to {LARGEST_WHOLE}")
    tape = Tape(f"rk204/{end.name}")
    to = dtype_code(graph.value(end.name).dtype or "int64")
    whole = tape.op("Cast", emit(end.term, tape), to=to)
    return Rewrite({end.name: whole}, tape, EXACT, detail=f"counts to {end.largest:.0f} in floats", assumes=assumes)


@dataclass(frozen=True)
class _Counted:
    """The value `name` as a float term, and the largest magnitude it may have."""

    name: str
    term: Term
    largest: float


def _count(graph: GraphView, node: Node, mask: FloatMask) -> tuple[_Counted, dict[str, Between]]:
    """The CumSum itself; what is summed has to be 0 or 1, by its arithmetic or by assumption."""
    source, axis = node.inputs
    term, place = mask.term(source), mask.number(axis)
    shape = graph.value(source).shape or ()
    if place is None or not shape or term.shape != shape:
        raise NotAMask(f"the axis of {node.label} is not constant, or the shape of {source} is not static")
    assumes = {} if term.unit else {source: Between(0, 1, integer=True)}
    size = term.shape[int(place)]
    summed = Term("CumSum", (term, axis), term.shape, node.attributes, whole=True)
    return _Counted(node.outputs[0], summed, float(size)), assumes


def _follow(graph: GraphView, mask: FloatMask, counted: _Counted) -> _Counted:
    """As far downstream as whole-number arithmetic with constants and masks goes on, one reader at a time."""
    while True:
        readers = graph.consumers(counted.name)
        if len(readers) != 1 or counted.name in graph.outputs or readers[0].domain not in ("", "ai.onnx"):
            return counted
        further = _step(graph, mask, counted, readers[0])
        if further is None or further.largest > LARGEST_WHOLE:
            return counted
        counted = further


def _step(graph: GraphView, mask: FloatMask, counted: _Counted, reader: Node) -> _Counted | None:
    """What `reader` makes of the count; None where it is no such arithmetic."""
    result = graph.value(reader.outputs[0])
    if result.dtype not in ("int32", "int64") or result.shape != counted.term.shape:
        return None
    if reader.op == "Cast":
        return replace(counted, name=reader.outputs[0])
    if reader.op not in ("Add", "Sub", "Mul") or reader.inputs[0] == reader.inputs[1]:
        return None
    other = reader.inputs[1 if reader.inputs[0] == counted.name else 0]
    number = mask.number(other)
    part: Term | float
    if number is not None and float(number).is_integer():
        part, size = float(number), abs(float(number))
    else:
        try:
            part, size = mask.term(other), 1.0
        except NotAMask:
            return None
        if not part.unit:
            return None
    largest = counted.largest * size if reader.op == "Mul" else counted.largest + size
    inputs = (counted.term, part) if reader.inputs[0] == counted.name else (part, counted.term)
    return _Counted(reader.outputs[0], Term(reader.op, inputs, counted.term.shape, whole=True), largest)
