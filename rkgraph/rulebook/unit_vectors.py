"""Vectors divided by their length, in the forms that exporters write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

from rkgraph.analysis.defects import defect
from rkgraph.records import Record
from rkgraph.rulebook.pattern import Match, Pattern, match_any, pattern

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

__all__ = ["SUMMED", "UnitVectors", "is_one_layer", "unit_vectors"]

GUARD = 2.0**-24
"""The smallest fp16 number: the length of fp16 numbers that are not all 0 is no less, so that a bound below it does
nothing but keep 0 / 0 from being NaN."""

ADDED = 1e-12
"""What is added to a length and may be left out: a 60,000th of the smallest fp16 number."""

_SUMMING = frozenset({"ReduceL2", "ReduceSum", "ReduceSumSquare"})
_BETWEEN = frozenset({"Add", "Clip", "Div", "Expand", "Max", "Reciprocal", "Sqrt"})
"""Operators of the forms between the sum and the quotient."""

_SQUARES = ("Mul(x, x)", "Pow(x, #two)")
_SUMS = ("sum=ReduceSum({})", "sum=ReduceSum({}, #axis)")
_TOTALS = (
    *(total.format(square) for total in _SUMS for square in _SQUARES),
    "sum=ReduceSumSquare(x)",
    "sum=ReduceSumSquare(x, #axis)",
)
_PLAIN = ("sum=ReduceL2(x)", "sum=ReduceL2(x, #axis)", *(f"Sqrt({total})" for total in _TOTALS))
_BOUNDED = ("Max({}, #bound)", "bounded=Clip({}, #bound)", "bounded=Clip({}, #bound, #top)", "bounded=Clip({})")
_INSIDE = ("Add({}, #inside)",)
_QUOTIENTS = ("Div(x, {})", "Div(x, Expand({}, _))", "Mul(x, Reciprocal({}))", "Mul(x, Div(#one, {}))")


_ONE_LAYER = tuple(
    pattern(quotient.format(length))
    for quotient in ("Div(x, {})", "Div(x, Expand(bounded=Clip({}, #bound), _))")
    for length in ("sum=ReduceL2(x)", "sum=ReduceL2(x, #axis)")
)
"""Of which the compiler makes one layer, a LpNormalization, by itself (2.2.0 to 2.5.0); of the others it does not."""


SUMMED = (pattern("Div(x, Add(length=ReduceL2(x), #added))"), pattern("Div(x, Add(length=ReduceL2(x, _), #added))"))
"""Of which some versions make a layer that computes something else."""


class UnitVectors(Record):
    """x over the length of its vectors along one axis.

    Attributes:
        x: the vectors.
        axis: counted from the front.
        size: how long the axis is.
        inside: what is added to the sum of squares before the root, 0.0 for nothing.
        guarded: whether vectors of zeros become zeros.
    """

    x: str
    axis: int
    size: int
    inside: float
    guarded: bool


def unit_vectors(graph: GraphView, node: Node) -> UnitVectors | None:
    """What `node` divides, where it ends such a form; None else, and where a bound counts for fp16 numbers."""
    if node.op not in ("Div", "Mul") or graph.ops.isdisjoint(_SUMMING) or not _is_near_a_sum(graph, node):
        return None
    for kind in ("plain", "bounded", "added", "inside"):
        found = match_any(graph, node.outputs[0], _forms(kind))
        if isinstance(found, Match):
            return _read(graph, found, kind)
    return None


def _is_near_a_sum(graph: GraphView, node: Node) -> bool:
    """Whether a sum is reached upwards through what may stand between: most quotients and products end here."""
    waiting, seen = list(node.inputs), set(node.inputs)
    while waiting:
        maker = graph.producer(waiting.pop())
        if maker is not None and maker.op in _SUMMING:
            return True
        if maker is not None and maker.op in _BETWEEN:
            fresh = [name for name in maker.inputs if name not in seen]
            seen.update(fresh)
            waiting += fresh
    return False


def is_one_layer(graph: GraphView, node: Node, version: str) -> bool:
    """Whether the toolkit's `version` makes one layer of the form that ends at `node`."""
    if node.op != "Div":
        return False
    found = match_any(graph, node.outputs[0], _ONE_LAYER)
    if isinstance(found, Match):
        return found.numbers.get("bound", 0.0) <= ADDED
    taken_in = version in defect("number-added-to-length").wrong  # and that one is not even right: RK233
    return taken_in and isinstance(match_any(graph, node.outputs[0], SUMMED), Match)


@cache
def _forms(kind: str) -> tuple[Pattern, ...]:
    return tuple(pattern(quotient.format(length)) for quotient in _QUOTIENTS for length in _lengths(kind))


def _lengths(kind: str) -> Iterator[str]:
    if kind == "plain":
        yield from _PLAIN
    elif kind == "bounded":
        yield from (guard.format(length) for guard in _BOUNDED for length in _PLAIN)
    elif kind == "added":
        yield from (f"Add({length}, #added)" for length in _PLAIN)
    else:
        yield from (f"Sqrt({inside.format(total)})" for inside in _INSIDE for total in _TOTALS)


def _read(graph: GraphView, found: Match, kind: str) -> UnitVectors | None:
    numbers, total = found.numbers, found.named["sum"]
    x = found.values["x"]
    value = graph.value(x)
    axis = _axis(total, numbers, len(value.shape or ()))
    bound = _bound(found) if kind == "bounded" else 0.0
    right = numbers.get("two", 2.0) == 2.0 and numbers.get("one", 1.0) == 1.0
    if not right or axis is None or value.shape is None or value.dtype != "float32" or bound is None:
        return None
    size, added, inside = value.shape[axis], numbers.get("added", 0.0), numbers.get("inside", 0.0)
    if not isinstance(size, int) or size < 2 or not 0.0 <= added <= ADDED or not 0.0 <= inside < 1.0:
        return None
    return UnitVectors(x, axis, size, inside, guarded=bound > 0.0 or added > 0.0 or inside > 0.0)


def _axis(total: Node, numbers: Mapping[str, float], rank: int) -> int | None:
    """The one axis of the length, where dimensions are kept."""
    given = total.attributes.get("axes")
    axes = given if isinstance(given, tuple) else (numbers["axis"],) if "axis" in numbers else ()
    if len(axes) != 1 or total.attributes.get("keepdims", 1) != 1 or not -rank <= axes[0] < rank:
        return None
    return int(axes[0]) % rank


def _bound(found: Match) -> float | None:
    """The lower bound of the length; None where it, or an upper one, is more than a guard."""
    bound, top = found.numbers.get("bound"), found.numbers.get("top")
    if bound is None:
        clip = found.named["bounded"]
        low, top = clip.attributes.get("min"), clip.attributes.get("max")
        bound = low if isinstance(low, float) else None
    fine = bound is not None and 0.0 < bound <= GUARD and (top is None or top >= FAR)
    return bound if fine else None


FAR = 1e30  # an upper bound that nothing reaches
