from __future__ import annotations

import pytest

from rkgraph.diagnostics import Verdict
from rkgraph.graph.rewrite import Refusal
from tests.rules.harness import diagnostics, lint_text
from tests.rules.rewriting import fixed

CODE = "RK116"


@pytest.mark.parametrize(
    ("attribute", "value", "to"),
    [("value_float", "2.0", 1), ("value_floats", "[1.0, 2.0]", 1), ("value_int", "2", 7), ("value_ints", "[1, 2]", 7)],
)
def test_a_number_is_found_and_made_a_tensor(attribute: str, value: str, to: int) -> None:
    model = (
        f"g (float[2] x) => (float[2] y) {{ c = Constant<{attribute} = {value}>() f = Cast<to = 1>(c) y = Mul(x, f) }}"
    )
    assert len(diagnostics(model, CODE)) == 1
    assert lint_text(model, CODE).verdict is Verdict.BUILD_FAILS
    mended, _ = fixed(model, CODE)
    assert diagnostics(mended, CODE) == ()
    held = [t.data_type for t in mended.graph.initializer]
    held += [n.attribute[0].t.data_type for n in mended.graph.node if n.op_type == "Constant"]
    assert to in held


def test_a_tensor_is_not() -> None:
    model = "g (float[2] x) => (float[2] y) { c = Constant<value = float {2}>() y = Mul(x, c) }"
    assert diagnostics(model, CODE) == ()


def test_one_that_nothing_reads_is_found_too() -> None:
    assert (
        len(diagnostics('g (float[2] x) => (float[2] y) { c = Constant<value_string = "a">() y = Neg(x) }', CODE)) == 1
    )


def test_one_in_a_body_loads() -> None:
    model = """g (float[2] x, float[3, 2] s) => (float[2] y, float[3, 2] z) {
        y, z = Scan<num_scan_inputs = 1, body = b (float[2] v, float[2] t) => (float[2] w, float[2] u) {
            c = Constant<value_float = 2.0>()
            w = Mul(v, c)
            u = Add(w, t)
        }>(x, s)
    }"""
    assert diagnostics(model, CODE) == ()


def test_a_text_is_left() -> None:
    model = 'g (float[2] x) => (string y, float[2] z) { y = Constant<value_string = "a">() z = Neg(x) }'
    _, edits = fixed(model, CODE)
    assert [type(edit) for edit in edits] == [Refusal]
