"""RK230: Sigmoid and Tanh spelled out with exponentials, which overflow in fp16 and run on the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from rkgraph.graph.rewrite import Between, Edit, Refusal, Tolerance
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.pattern import Match, Pattern, match_any, pattern
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.rulebook.writer import Writer

_NEGATIVE = ("Neg(x)", "Mul(x, #minus_one)", "Div(x, #minus_one)", "Sub(#zero, x)")
_TWICE = ("Mul(x, #two)", "Add(x, x)")
_TWICE_NEGATIVE = ("Mul(x, #minus_two)", "Mul(Neg(x), #two)", "Neg(Mul(x, #two))")
_SIGMOID = ("Div(#factor, {sum})", "Reciprocal({sum})", "Pow({sum}, #minus_one)", "Div(x, {sum})")


def _sigmoids() -> tuple[Pattern, ...]:
    sums = [f"Add(Exp({negative}), #one)" for negative in _NEGATIVE]
    return tuple(pattern(form.format(sum=each)) for form, each in product(_SIGMOID, sums))


def _hyperbolic() -> tuple[Pattern, ...]:
    quotients = [(f"Sub(Exp(x), Exp({n}))", f"Add(Exp(x), Exp({n}))") for n in _NEGATIVE]
    quotients += [(f"Sub(Exp({t}), #one)", f"Add(Exp({t}), #one)") for t in _TWICE]
    quotients += [(f"Sub(#one, Exp({t}))", f"Add(Exp({t}), #one)") for t in _TWICE_NEGATIVE]
    return tuple(pattern(f"Div({above}, {below})") for above, below in quotients)


FORMS = {"Sigmoid": _sigmoids(), "Tanh": _hyperbolic()}
EXPECTED = {"one": 1.0, "zero": 0.0, "two": 2.0, "minus_one": -1.0, "minus_two": -2.0}
WITHIN = Between(-40.0, 40.0)  # beyond, e^2x overflows in float32 too, and the quotient is no number


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each quotient that is one of them."""
    for graph in lint.model.graphs():
        if "Exp" not in graph.ops:
            continue
        for node in lint.live_nodes(graph):
            function = _function(graph, node)
            if function is not None:
                name, found = function
                yield Finding(
                    f"this is {name} of {found.values['x']}, spelled out with exponentials: they overflow in fp16 "
                    "above 11, and run on the CPU",
                    graph=graph.path,
                    node=node,
                    observed={"function": name, "x": found.values["x"], **dict(found.numbers)},
                    limit={"operator": name},
                    evidence=("rewrites:exponential-formulas",),
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The operator itself, and a product where it was divided by the sum."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    x, name, out = finding.observed["x"], finding.observed["function"], node.outputs[0]
    dtype = graph.value(x).dtype
    if dtype is None:
        return Refusal(f"the dtype of {x} is unknown")
    write = Writer(graph, f"rk230/{out}")
    new = write.op(name, x)
    factor = finding.observed.get("factor", 1.0)
    if factor != 1.0:
        new = write.op("Mul", new, write.constant(factor, dtype, "factor"))
    elif node.op == "Div" and node.inputs[0] == x:
        new = write.op("Mul", x, new)
    error = Tolerance(1e-6 * max(1.0, abs(factor)), 1e-5)
    return write.rewrite({out: new}, error, f"{name} itself", within={x: WITHIN})


def _function(graph: GraphView, node: Node) -> tuple[str, Match] | None:
    if node.op not in ("Div", "Reciprocal", "Pow") or not node.outputs:
        return None
    for name, forms in FORMS.items():
        found = match_any(graph, node.outputs[0], forms)
        if isinstance(found, Match) and all(
            number == EXPECTED.get(key, number) for key, number in found.numbers.items()
        ):
            return name, found
    return None
