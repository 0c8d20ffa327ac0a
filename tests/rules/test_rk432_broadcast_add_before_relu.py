"""RK432: an operand that is repeated along height or width, and a Relu behind."""

from __future__ import annotations

import pytest

from tests.rules.harness import diagnostics

TEXT = """agraph (float[1, 16, 8, 32] x, float[{b}] b) => (float[1, 16, 8, 32] y{more}) {{
    a = Add({operands}) y = {op}(a) }}"""


@pytest.mark.parametrize(
    ("b", "operands", "op", "more", "found"),
    [
        ("1, 16, 1, 32", "x, b", "Relu", "", 1),
        ("1, 16, 8, 1", "b, x", "Relu", "", 1),
        ("1, 16, 1, 1", "x, b", "Relu", "", 0),
        ("1, 16, 8, 32", "x, b", "Relu", "", 0),
        ("1, 1, 8, 1", "x, b", "Relu", "", 0),
        ("1, 16, 1, 32", "x, b", "Sigmoid", "", 0),
        ("1, 16, 1, 32", "x, b", "Relu", ", float[1, 16, 8, 32] a", 0),
    ],
)
def test_lines_and_columns(b: str, operands: str, op: str, more: str, found: int) -> None:
    assert len(diagnostics(TEXT.format(b=b, operands=operands, op=op, more=more), "RK432")) == found


def test_a_constant_is_a_bias() -> None:
    text = TEXT.format(b="1, 16, 1, 32", operands="x, k", op="Relu", more="").replace(
        "{", "<float[1, 1, 1, 32] k = {" + ", ".join(["1"] * 32) + "}> {", 1
    )
    assert diagnostics(text, "RK432") == ()
