"""RK613: weights in the precision of the target, and the largest node."""

from __future__ import annotations

import pytest

from rkgraph.rulebook.rule import Options
from rkgraph.targets import Target
from tests.rules.harness import diagnostics

WEIGHTS = ", ".join(["0.5"] * 4096)
TEXT = (
    f"agraph (float[1, 64] x) => (float[1, 64] y) <float[64, 64] w = {{{WEIGHTS}}}> {{ h = MatMul(x, w) y = Relu(h) }}"
)


@pytest.mark.parametrize(("precision", "weights"), [("fp16", 8192), ("w8a8", 4096)])
def test_weights_count_in_the_precision_of_the_target(precision: str, weights: int) -> None:
    options = Options(rules={"RK613": {"gib": 0.001 * 2**-10}})
    (told,) = diagnostics(TEXT, "RK613", options=options, target=Target(precision=precision))
    assert told.observed == {"weights": weights, "values": 256 if precision == "fp16" else 128}


def test_the_sum_decides() -> None:
    edge = (8192 + 256) / 2**30
    assert diagnostics(TEXT, "RK613", options=Options(rules={"RK613": {"gib": edge}})) == ()
    assert len(diagnostics(TEXT, "RK613", options=Options(rules={"RK613": {"gib": edge * 0.999}}))) == 1
