"""RK111: a node that an opset which the toolkit loads cannot express as it stands."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rkgraph.analysis.schemas import why_not_in
from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import Edit, Refusal, Rewrite, Tape, Tolerance
from rkgraph.graph.view import GraphView, Node
from rkgraph.rulebook.rule import Finding, LintContext
from rkgraph.targets import max_opset

# Both forms compute the same in exact arithmetic; a few operations in another order differ by a few units in the last
# place: of 2^-23 for float32, of 2^-10 for float16.
TOLERANCES = {"float32": Tolerance(1e-5, 2e-5), "float64": Tolerance(1e-12, 1e-12), "float16": Tolerance(5e-3, 1e-2)}

# What newer versions of an operator only repeat: the attribute at this value asks for what older ones do anyway.
SAME_AS_WITHOUT = {
    ("Cast", "round_mode"): "up",
    ("CastLike", "round_mode"): "up",
    ("GridSample", "mode"): "linear",  # the default, whatever it is called
}


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each node that is newer than the toolkit's newest opset."""
    newest = max_opset(lint.target.toolkit)
    for graph in lint.model.graphs():
        for node in graph.nodes:
            reason = why_not_in(newest, node, graph)
            if reason is not None:
                yield Finding(
                    f"{reason}; rknn-toolkit2 {lint.target.toolkit} loads opset {newest} and below",
                    graph=graph.path,
                    node=node,
                    observed={"operator": node.op, "opset": graph.opset},
                    limit={"opset": newest},
                    verdict=Verdict.BUILD_FAILS,
                    explains=frozenset({(graph.path, node.index)}),
                )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """Write the node with older operators: as the toolkit likes best where we know, else as the standard says."""
    from rkgraph.analysis.function_bodies import NoBody, expand

    node, graph = finding.node, lint.model.main
    if node is None:
        return Refusal("the finding names no node")
    tolerance = TOLERANCES.get(graph.value(node.outputs[0]).dtype or "")
    if tolerance is None:
        return Refusal(f"{node.label} computes in {graph.value(node.outputs[0]).dtype}, which is not rewritten")
    tape = Tape(f"rk111/{node.outputs[0]}")
    write = _AS_LIKED.get(node.op)
    if write is not None:
        return Rewrite({node.outputs[0]: write(graph, node, tape)}, tape, tolerance, detail=f"{node.op} written out")
    plain = _without_new_attributes(node)
    if plain is not None:
        new = tape.op(node.op, *node.inputs, **plain)
        return Rewrite({node.outputs[0]: new}, tape, Tolerance(0.0, 0.0), detail=f"{node.op} in its older form")
    try:
        outputs = expand(graph, node, tape)
    except NoBody as error:
        return Refusal(str(error))
    wanted = [bool(old) and (lint.is_read(old) or old in graph.outputs) for old in node.outputs]
    replaces = {old: new for old, new, read in zip(node.outputs, outputs, wanted, strict=True) if read}
    return Rewrite(replaces, tape, tolerance, detail=f"{node.op} by the function body of the ONNX standard")


def _without_new_attributes(node: Node) -> dict[str, Any] | None:
    """The attributes without those that say what is the case anyway; None if that makes no difference."""
    kept = {key: value for key, value in node.attributes.items() if SAME_AS_WITHOUT.get((node.op, key)) != value}
    return kept if len(kept) < len(node.attributes) else None


def _gelu(graph: GraphView, node: Node, tape: Tape) -> str:
    return (_gelu_tanh if node.attributes.get("approximate") == "tanh" else _gelu_erf)(graph, node, tape)


def _gelu_erf(graph: GraphView, node: Node, tape: Tape) -> str:
    """X · (1 + erf(x / √2)) · 0.5, node for node as torch's legacy exporter writes it: the compiler fuses this form."""
    x, constant = node.inputs[0], _constants(graph, node, tape)
    erf = tape.op("Erf", tape.op("Div", x, constant(math.sqrt(2.0), "sqrt2")))
    product = tape.op("Mul", x, tape.op("Add", erf, constant(1.0, "one")))
    return tape.op("Mul", product, constant(0.5, "half"))


def _gelu_tanh(graph: GraphView, node: Node, tape: Tape) -> str:
    """X · 0.5 · (tanh((x + x³ · 0.044715) · √(2/π)) + 1) with Pow for the cube, data first: what the compiler fuses."""
    x, constant = node.inputs[0], _constants(graph, node, tape)
    cube = tape.op("Pow", x, constant(3.0, "three"))
    sum_ = tape.op("Add", x, tape.op("Mul", cube, constant(0.044715, "kappa")))
    tanh = tape.op("Tanh", tape.op("Mul", sum_, constant(math.sqrt(2.0 / math.pi), "beta")))
    gate = tape.op("Add", tanh, constant(1.0, "one"))
    return tape.op("Mul", tape.op("Mul", x, constant(0.5, "half")), gate)


def _swish(graph: GraphView, node: Node, tape: Tape) -> str:
    """X · sigmoid(α · x)."""
    x, alpha = node.inputs[0], float(node.attributes.get("alpha", 1.0))
    scaled = x if alpha == 1.0 else tape.op("Mul", x, _constants(graph, node, tape)(alpha, "alpha"))
    return tape.op("Mul", x, tape.op("Sigmoid", scaled))


def _constants(graph: GraphView, node: Node, tape: Tape) -> Callable[[float, str], str]:
    dtype = graph.value(node.outputs[0]).dtype or "float32"
    return lambda value, hint: tape.constant(value, dtype, hint)


_AS_LIKED: Mapping[str, Callable[[GraphView, Node, Tape], str]] = {"Gelu": _gelu, "Swish": _swish}
