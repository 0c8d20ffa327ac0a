"""RK612: networks with next to nothing to multiply."""

from __future__ import annotations

import pytest

from rkgraph.rulebook.rule import Options
from tests.rules.harness import diagnostics


def network(layers: int, size: int) -> str:
    steps = " ".join(f"x{i + 1} = " + (f"Relu(x{i})" if i % 2 else f"MatMul(x{i}, x0)") for i in range(layers))
    last = f"x{layers}"
    return f"agraph (float[{size}, {size}] x0) => (float[{size}, {size}] {last}) {{ {steps} }}"


@pytest.mark.parametrize(
    ("layers", "size", "found"),
    [(12, 8, 1), (11, 8, 0), (12, 94, 1), (12, 95, 0)],  # 6 · 94³ = 4.98 million
)
def test_size_and_layers_decide(layers: int, size: int, found: int) -> None:
    assert len(diagnostics(network(layers, size), "RK612")) == found


def test_both_limits_are_options() -> None:
    options = Options(rules={"RK612": {"most_macs": 1000, "least_layers": 2}})
    assert len(diagnostics(network(2, 10), "RK612", options=options)) == 1
    assert diagnostics(network(2, 11), "RK612", options=options) == ()


def test_nothing_is_said_where_nothing_is_multiplied_or_sizes_are_not_known() -> None:
    relus = "agraph (float[8] x0) => (float[8] x20) { " + " ".join(f"x{i + 1} = Relu(x{i})" for i in range(20)) + " }"
    assert diagnostics(relus, "RK612") == ()
    assert diagnostics(network(12, 8).replace("float[8, 8] x0", "float[n, n] x0"), "RK612") == ()
