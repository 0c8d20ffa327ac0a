from __future__ import annotations

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import Refusal, Rewrite
from tests.rules.harness import diagnostics, lint_text
from tests.rules.rewriting import fixed

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


def test_a_body_with_a_subgraph_is_left() -> None:
    branching = """<domain: "own", opset_import: ["" : 17]>
        gate (a) => (b) {
            yes = Constant<value = bool {1}>()
            b = If(yes) <then_branch = t () => (float[1, 8] p) { p = Neg(a) },
                         else_branch = e () => (float[1, 8] q) { q = Abs(a) }>
        }"""
    _, edits = fixed(HEAD.format("y = own.gate(x)") + branching, CODE)
    assert [type(edit) for edit in edits] == [Refusal]
