from __future__ import annotations

import numpy as np
import onnx
import pytest

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import Refusal, Rewrite
from tests.rules.harness import diagnostics, lint_text
from tests.rules.rewriting import fixed, run

CODE = "RK117"
HEAD = '<ir_version: 8, opset_import: ["" : 17, "own" : 1]>\nagraph (float[1, 8] x) => (float[1, 8] y) {{ {} }}\n'
GATE = '<domain: "own", opset_import: ["" : 17]>\ngate (a) => (b) { s = Sigmoid(a) b = Mul(a, s) }\n'
SCALED = (
    '<domain: "own", opset_import: ["" : 17]>\n'
    "scaled <alpha> (a) => (b) {"
    " two = Constant<value = float {2}>() e = Elu<alpha: float = @alpha>(a) b = Mul(e, two) }\n"
)
NESTED = '<domain: "own", opset_import: ["" : 17, "own" : 1]>\ntwice (a) => (b) { h = own.gate(a) b = own.gate(h) }\n'


def ops(text: str) -> list[str]:
    model, edits = fixed(text, CODE)
    assert all(isinstance(edit, Rewrite) for edit in edits)
    return [node.op_type for node in model.graph.node if node.op_type != "Constant"]


def test_a_call_is_found_and_written_out() -> None:
    text = HEAD.format("y = own.gate(x)") + GATE
    assert len(diagnostics(text, CODE)) == 1
    assert lint_text(text, CODE).verdict is Verdict.BUILD_FAILS
    assert ops(text) == ["Sigmoid", "Mul"]


def test_attributes_are_filled_in_and_constants_copied() -> None:
    model, _ = fixed(HEAD.format("y = own.scaled<alpha = 0.5>(x)") + SCALED, CODE)
    elu = next(node for node in model.graph.node if node.op_type == "Elu")
    assert elu.attribute[0].f == 0.5


def test_calls_within_functions_are_written_out_in_turn() -> None:
    assert ops(HEAD.format("y = own.twice(x)") + GATE + NESTED) == ["Sigmoid", "Mul"] * 2


def test_a_function_that_nothing_calls_is_not() -> None:
    assert diagnostics(HEAD.format("y = Relu(x)") + GATE, CODE) == ()


def test_a_call_that_nothing_needs_is_found() -> None:
    assert len(diagnostics(HEAD.format("unused = own.gate(x) y = Relu(x)") + GATE, CODE)) == 1


def test_a_body_with_a_subgraph_comes_along() -> None:
    branching = """<domain: "own", opset_import: ["" : 17]>
        gate (a) => (b) {
            yes = Constant<value = bool {1}>()
            b = If(yes) <then_branch = t () => (float[1, 8] p) { p = Neg(a) },
                         else_branch = e () => (float[1, 8] q) { q = Abs(a) }>
        }"""
    assert ops(HEAD.format("y = own.gate(x)") + branching) == ["If"]


BRANCHING = """<domain: "own", opset_import: ["" : 17]>
    leaky <slope> (a, c) => (b) {
        b = If(c) <then_branch = t () => (float[1, 8] p) { p = LeakyRelu<alpha: float = @slope>(a) },
                   else_branch = e () => (float[1, 8] q) { h = Abs(a) q = Add(h, a) }>
    }"""


@pytest.mark.parametrize("given", ["<slope = 0.5>", "<slope = 2.0>"])
def test_attributes_reach_inner_graphs_and_names_do_not_clash(given: str) -> None:
    calls = f"h = own.leaky{given}(a, c) y = own.leaky{given}(h, c)"
    text = HEAD.format(f"a = Neg(x) i = ReduceMax<keepdims = 0>(x) c = Cast<to = 9>(i) {calls}") + BRANCHING
    after, edits = fixed(text, CODE)
    assert len(edits) == 2
    for x in (np.linspace(-1, 1, 8), np.linspace(-8, 0, 8)):
        feeds = {"x": x.astype(np.float32).reshape(1, 8)}
        np.testing.assert_array_equal(run(after, feeds)[0], run(text, feeds)[0])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('<domain: "own", opset_import: ["" : 17, "own" : 1]>\ngate (a) => (b) { b = own.gate(a) }', "calls itself"),
        ('<domain: "own", opset_import: ["" : 9]>\ngate (a) => (b) { b = Softmax(a) }', "opset"),
    ],
    ids=["recursion", "another opset"],
)
def test_what_cannot_be_written_out_is_refused(body: str, reason: str) -> None:
    proto = onnx.parser.parse_model(HEAD.format("y = own.gate(x)") + body)
    (edit,) = fixed(proto, CODE)[1]
    assert isinstance(edit, Refusal)
    assert reason in edit.reason


def test_functions_that_multiply_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rkgraph.analysis.function_bodies.MOST_NODES", 3)
    assert ops(HEAD.format("y = own.gate(x)") + GATE) == ["Sigmoid", "Mul"]
    (edit,) = fixed(HEAD.format("y = own.twice(x)") + GATE + NESTED, CODE)[1]
    assert isinstance(edit, Refusal)
    assert "3 nodes" in edit.reason
