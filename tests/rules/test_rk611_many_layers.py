"""RK611: many layers with little in each."""

from __future__ import annotations

import pytest

from rkgraph.rulebook.rule import Options
from tests.rules.harness import diagnostics

STEP = "x{j} = {op}(x{i})"


def chain(ops: list[str], size: int = 8) -> str:
    steps = [STEP.format(i=i, j=i + 1, op=op) for i, op in enumerate(ops)]
    last = f"x{len(ops)}"
    return f"agraph (float[1, {size}] x0) => (float[1, {size}] {last}) {{ {' '.join(steps)} }}"


@pytest.mark.parametrize(
    ("ops", "found"), [(["Neg"] * 20, 1), (["Neg"] * 19, 0), (["Neg"] * 19 + ["Identity"] * 30, 0)]
)
def test_nodes_that_become_layers_are_counted(ops: list[str], found: int) -> None:
    told = diagnostics(chain(ops), "RK611", options=Options(rules={"RK611": {"least": 20}}))
    assert [one.observed["layers"] for one in told] == [20] * found


def test_layers_with_much_to_compute_are_no_finding() -> None:
    """A product of 4096³ takes 170 ms, more than starting 20 layers."""
    text = "agraph (float[4096, 4096] x0) => (float[4096, 4096] z) { " + " ".join(
        STEP.format(i=i, j=i + 1, op="Neg") for i in range(20)
    )
    text += " z = MatMul(x20, x0) }"
    assert diagnostics(text, "RK611", options=Options(rules={"RK611": {"least": 20}})) == ()
