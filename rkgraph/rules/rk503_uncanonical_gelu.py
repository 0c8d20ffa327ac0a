"""RK503: a GELU that the compiler does not recognise, because it is written in another order than the one it knows."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rkgraph.graph.rewrite import Edit, Refusal, Rewrite, Tape, Tolerance
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.pattern import Match, match_any, pattern
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext

# The only forms that become ConvExGelu (toolkit 2.3.2; operand order counts, data before constants).
CANONICAL_ERF = (
    pattern("Mul(Mul(x, Add(Erf(Div(x, #root)), #one)), #half)"),
    pattern("Mul(Mul(x, #half), Add(Erf(Div(x, #root)), #one))"),
)
_CUBIC = "Tanh(Mul(Add(x, Mul(Pow(x, #three), #c)), #k))"
CANONICAL_TANH = (pattern(f"Mul(Mul(x, #half), Add({_CUBIC}, #one))"),)


def _products(sum_: str, gate: str = "") -> tuple[str, ...]:
    """The products x · ½ · (1 + gate), in every grouping, and x · (½ · gate + ½) where a gate is given."""
    return (
        f"Mul(Mul(x, {sum_}), #half)",
        f"Mul(Mul(x, #half), {sum_})",
        f"Mul(x, Mul({sum_}, #half))",
        f"Div(Mul(x, {sum_}), #two)",
        f"Mul(x, Div({sum_}, #two))",
        f"Mul(Div(x, #two), {sum_})",
        *([f"Mul(x, Add(Mul({gate}, #half), #half_too))"] if gate else []),
    )


_ERF_GATES = ("Erf(Div(x, #root))", "Erf(Mul(x, #inverse))")
_NEGATED = (  # 1 − erf(−…), as the complement erfc is written
    "Erf(Mul(Neg(x), #inverse))",
    "Erf(Div(Neg(x), #root))",
    "Erf(Neg(Mul(x, #inverse)))",
    "Erf(Neg(Div(x, #root)))",
    "Erf(Mul(x, #minus_inverse))",
    "Erf(Div(x, #minus_root))",
)
_CUBES = ("Pow(x, #three)", "Mul(Mul(x, x), x)", "Mul(Pow(x, #square), x)")
_CUBIC_TERMS = (*(f"Mul({cube}, #c)" for cube in _CUBES), "Mul(Mul(Mul(x, #c), x), x)")
_SQUARE_TERMS = ("Mul(Mul(x, x), #c)", "Mul(Pow(x, #square), #c)", "Mul(Mul(x, #c), x)")
_TANH_GATES = (
    *(f"Tanh(Mul(Add(x, {term}), #k))" for term in _CUBIC_TERMS),
    *(f"Tanh(Mul(Mul(x, #k), Add({term}, #unit)))" for term in _SQUARE_TERMS),
    *(f"Tanh(Mul(Mul(x, Add({term}, #unit)), #k))" for term in _SQUARE_TERMS),
)
ERF_FORMS = (
    *(pattern(form) for gate in _ERF_GATES for form in _products(f"Add({gate}, #one)", gate)),
    *(pattern(form) for gate in _NEGATED for form in _products(f"Sub(#one, {gate})")),
)
TANH_FORMS = tuple(pattern(form) for gate in _TANH_GATES for form in _products(f"Add({gate}, #one)", gate))

# What each constant of a form must be; exporters write them with 5 to 17 digits.
EXPECTED = {
    "root": math.sqrt(2.0),
    "inverse": math.sqrt(0.5),
    "minus_root": -math.sqrt(2.0),
    "minus_inverse": -math.sqrt(0.5),
    "one": 1.0,
    "unit": 1.0,
    "half": 0.5,
    "half_too": 0.5,
    "two": 2.0,
    "three": 3.0,
    "square": 2.0,
    "c": 0.044715,
    "k": math.sqrt(2.0 / math.pi),
}
DIGITS = 1e-5


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each GELU in a form that stays in pieces."""
    for graph in lint.model.graphs():
        for node in graph.nodes_of("Mul", "Div"):
            found = _form(graph, node)
            if found is None or _is_canonical(graph, node) or (graph.path, node.index) in lint.folded:
                continue
            kind = "erf" if any(n.op == "Erf" for n in found.nodes) else "tanh"
            yield Finding(
                f"a GELU ({kind}) that the compiler does not fuse: "
                + ("its Erf runs on the CPU" if kind == "erf" else "it stays a chain of elementwise layers"),
                graph=graph.path,
                node=node,
                observed={"form": kind, "x": found.values["x"]},
                limit={"form": "x · (erf(x / √2) + 1) · 0.5" if kind == "erf" else "x · 0.5 · (tanh(…) + 1)"},
                evidence=("rewrites:gelu-forms",),
                explains=frozenset((graph.path, inner.index) for inner in found.nodes),
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Write the GELU in the order that the compiler knows."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    graph, node = place
    x = finding.observed["x"]
    dtype = graph.value(x).dtype or "float32"
    tape = Tape(f"rk503/{node.outputs[0]}")
    new = _erf(tape, x, dtype) if finding.observed["form"] == "erf" else _tanh(tape, x, dtype)
    # Two roundings of a product of factors below |x|: a few units in the last place, near zero of x itself.
    return Rewrite({node.outputs[0]: new}, tape, Tolerance(2e-5, 2e-5), detail="the same GELU in another order")


def _erf(tape: Tape, x: str, dtype: str) -> str:
    root, one, half = (tape.constant(v, dtype) for v in (EXPECTED["root"], 1.0, 0.5))
    gate = tape.op("Add", tape.op("Erf", tape.op("Div", x, root)), one)
    return tape.op("Mul", tape.op("Mul", x, gate), half)


def _tanh(tape: Tape, x: str, dtype: str) -> str:
    three, c, k, one, half = (tape.constant(v, dtype) for v in (3.0, EXPECTED["c"], EXPECTED["k"], 1.0, 0.5))
    inner = tape.op("Add", x, tape.op("Mul", tape.op("Pow", x, three), c))
    gate = tape.op("Add", tape.op("Tanh", tape.op("Mul", inner, k)), one)
    return tape.op("Mul", tape.op("Mul", x, half), gate)


def _is_canonical(graph: GraphView, node: Node) -> bool:
    return isinstance(match_any(graph, node.outputs[0], CANONICAL_ERF + CANONICAL_TANH, ordered=True), Match)


def _form(graph: GraphView, node: Node) -> Match | None:
    """The GELU whose last node is `node`, with the right numbers in it."""
    if node.op not in ("Mul", "Div") or not _reads_gate(graph, node):
        return None
    found = match_any(graph, node.outputs[0], ERF_FORMS + TANH_FORMS)
    if not isinstance(found, Match):
        return None
    right = all(math.isclose(v, EXPECTED[name], rel_tol=DIGITS) for name, v in found.numbers.items())
    return found if right else None


def _reads_gate(graph: GraphView, node: Node, depth: int = 3) -> bool:
    """Whether an Erf or Tanh lies a few nodes upstream: cheap, before patterns are tried."""
    for name in node.inputs:
        producer = graph.producer(name)
        if producer is None:
            continue
        if producer.op in ("Erf", "Tanh") or (depth and _reads_gate(graph, producer, depth - 1)):
            return True
    return False
