"""RK116: a Constant whose value is no tensor."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import EXACT, Edit, Refusal, Rewrite, Tape
from rkgraph.rulebook.place import place_of
from rkgraph.rulebook.rule import Finding, LintContext

# Attributes that hold the value as a number, a text or a list of them (ONNX: Constant, since opset 12), and its dtype.
PLAIN = {
    "value_float": "float32",
    "value_floats": "float32",
    "value_int": "int64",
    "value_ints": "int64",
    "value_string": "string",
    "value_strings": "string",
}


def check(lint: LintContext) -> Iterator[Finding]:
    """One finding for each Constant of the main graph, read or not, that is written without a tensor."""
    for node in lint.model.main.nodes_of("Constant"):
        attribute = next((name for name in node.attributes if name in PLAIN), None)
        if attribute is not None:
            yield Finding(
                f"this Constant has its value in `{attribute}`; the toolkit takes it for a tensor, and ends",
                node=node,
                observed={"attribute": attribute},
                limit={"attribute": "value"},
                verdict=Verdict.BUILD_FAILS,
            )


def fix(lint: LintContext, finding: Finding) -> Edit | Refusal:
    """The same constant as a tensor."""
    place = place_of(lint, finding)
    if isinstance(place, Refusal):
        return place
    _, node = place
    attribute = finding.observed["attribute"]
    if PLAIN[attribute] == "string":
        return Refusal("the constant is a text, which no tensor of the fixed model would hold")
    tape = Tape(f"rk116/{node.outputs[0]}")
    constant = tape.constant(node.attributes[attribute], PLAIN[attribute])
    return Rewrite({node.outputs[0]: constant}, tape, EXACT, detail=f"{attribute} → value")
