from __future__ import annotations

import pytest

from rkgraph.diagnostics import Verdict
from tests.rules.harness import diagnostics, lint_text

CODE = "RK109"


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("g (uint8[4] x) => (uint8[4] y) { y = Add(x, x) }", "no kernel for Add of uint8"),
        ("g (int64[4] x) => (int64[4] y) { y = Relu(x) }", "no kernel for Relu of int64"),
        (
            "g (float[2] x) => (float[2] y) <uint8[2] c = {1, 2}> { s = Add(c, c) f = Cast<to = 1>(s) y = Mul(x, f) }",
            "uint8",
        ),
        ("g (int8[4] x, float[4] z) => (float[4] y) { dead = Add(x, x) y = Neg(z) }", "Add of int8"),
        ("g (float[3, 3] x) => (double[3, 3] y) { y = EyeLike<dtype = 11>(x) }", "`dtype` says float64"),
        ("g (float[4] x) => (float[4] y) { h = Cast<to = 16>(x) y = Cast<to = 1>(h) }", "it makes bfloat16"),
    ],
    ids=["uint8", "function without body for it", "folded", "dead", "dtype attribute", "no numpy type"],
)
def test_what_cannot_be_run_is_found(model: str, words: str) -> None:
    found = diagnostics(model, CODE)
    assert len(found) == 1
    assert words in found[0].message
    assert lint_text(model, CODE).verdict is Verdict.BUILD_FAILS


@pytest.mark.parametrize(
    "model",
    [
        "g (float16[4] x) => (float16[4] y) { y = Add(x, x) }",
        "g (double[4] x) => (double[4] y) { y = Add(x, x) }",
        "g (int32[4] x) => (int32[4] y) { y = Add(x, x) }",
        "g (int32[4] x) => (int32[4] y) { y = Relu(x) }",
        "g (float[3, 3] x) => (int32[3, 3] y) { y = EyeLike<dtype = 6>(x) }",
        "g (float[4] x, int16[1] like) => (int16[4] y) { y = CastLike(x, like) }",
    ],
    ids=["half", "double", "int32", "by a kernel", "dtype that is no float", "by its function body"],
)
def test_what_can_be_run_is_not(model: str) -> None:
    assert diagnostics(model, CODE) == ()


def test_an_operator_of_nobody_is_found_and_one_of_onnx_runtime_is_not() -> None:
    head = '<ir_version: 8, opset_import: ["" : 17, "com.example" : 1, "com.microsoft" : 1]>'
    body = "agraph (float[4] x) => (float[4] y) {{ y = {}(x) }}"
    (found,) = diagnostics(head + body.format("com.example.Whiten"), CODE)
    assert "does not know the operator com.example::Whiten" in found.message
    assert diagnostics(head + body.format("com.microsoft.Gelu"), CODE) == ()


def test_what_lies_in_a_body_is_run_with_its_node() -> None:
    model = """g (float[2] x, float[3, 2] s) => (float[2] y, float[3, 2] z) {
        y, z = Scan<num_scan_inputs = 1, body = b (float[2] v, float[2] t) => (float[2] w, float[2] u) {
            small = Cast<to = 2>(v)
            twice = Add(small, small)
            w = Cast<to = 1>(twice)
            u = Add(w, t)
        }>(x, s)
    }"""
    (found,) = diagnostics(model, CODE)
    assert (found.at.op, found.at.graph.startswith("main/")) == ("Add", True)
