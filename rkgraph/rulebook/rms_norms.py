"""RMSNorms over the last axis, in the forms that exporters write, and in the one that the compiler fuses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rkgraph.rulebook.norm_moments import centred_of
from rkgraph.rulebook.pattern import Match, Pattern, match_any, pattern

if TYPE_CHECKING:
    from rkgraph.graph.view import GraphView, Node

__all__ = ["CANONICAL", "FORMS", "rms_norm"]

_MEANS = ("mean=ReduceMean({square})", "mean=ReduceMean({square}, #axis)")  # the axes became an input in opset 18
_SQUARES = ("Pow(x, #two)", "Mul(x, x)")
_ROOTED = (
    "Mul(x, Div(#one, Sqrt({sum})))",
    "Mul(x, Reciprocal(Sqrt({sum})))",
    "Mul(x, Pow({sum}, #minus_half))",
    "Div(x, Sqrt({sum}))",
)


def _forms(rooted: tuple[str, ...], squares: tuple[str, ...]) -> tuple[Pattern, ...]:
    sums = [f"Add({mean.format(square=square)}, #epsilon)" for square in squares for mean in _MEANS]
    return tuple(pattern(form.format(sum=each)) for form in rooted for each in sums)


FORMS = _forms(_ROOTED, _SQUARES)
# The only form that becomes exNorm, given a scale behind it (toolkit 2.3.2; the order of operands does not count).
CANONICAL = _forms(_ROOTED[:1], _SQUARES[:1])
EXPECTED = {"one": 1.0, "two": 2.0, "minus_half": -0.5}


def rms_norm(graph: GraphView, node: Node) -> Match | None:
    """The RMSNorm over the last axis whose quotient is the output of `node`."""
    if node.op not in ("Mul", "Div") or not node.outputs:
        return None
    found = match_any(graph, node.outputs[0], FORMS)
    if not isinstance(found, Match) or any(v != EXPECTED.get(name, v) for name, v in found.numbers.items()):
        return None
    centred = centred_of(graph, found.values["x"]) is not None
    usable = found.numbers["epsilon"] > 0 and math.isfinite(found.numbers["epsilon"])
    # What is centred first is a LayerNorm, which the compiler fuses in its own form.
    return found if usable and not centred and _is_last_axis(graph, found) else None


def _is_last_axis(graph: GraphView, found: Match) -> bool:
    mean, shape = found.named["mean"], graph.value(found.values["x"]).shape
    given = mean.attributes.get("axes")
    axes = tuple(given) if isinstance(given, tuple) else (found.numbers.get("axis"),)
    last = (-1,) if shape is None else (-1, len(shape) - 1)
    return len(axes) == 1 and axes[0] in last and mean.attributes.get("keepdims", 1) == 1
