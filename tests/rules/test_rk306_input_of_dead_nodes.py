from __future__ import annotations

import pytest

from rkgraph.diagnostics import Verdict
from tests.rules.harness import diagnostics, lint_text

CODE = "RK306"


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("y = Relu(x) dead = Neg(z)", ["z"]),
        ("y = Relu(x) dead = Neg(z) more = Abs(dead)", ["z"]),
        ("y = Relu(x) dead = Add(x, z)", ["z"]),
        ("y = Relu(x) dead = Neg(x)", []),
        ("y = Relu(x) shape = Shape(z)", []),
        ("y = Relu(x)", []),
        ("y = Add(x, z) dead = Neg(z)", []),
    ],
)
def test_an_input_is_found_where_all_its_readers_are_dead(body: str, names: list[str]) -> None:
    found = diagnostics(f"g (float[4] x, float[4] z) => (float[4] y) {{ {body} }}", CODE)
    assert [d.at.value for d in found] == names


def test_the_build_fails() -> None:
    assert (
        lint_text("g (float[4] x, float[4] z) => (float[4] y) { y = Relu(x) dead = Neg(z) }", CODE).verdict
        is Verdict.BUILD_FAILS
    )
