from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rkgraph.graph.edits import drop_nodes
from tests.engine.fixing import fix_text, operators, run
from tests.rules.harness import diagnostics, parse

CODE = "RK319"
BRANCH = """If(c) <then_branch = t () => (float[8] a) { a = Neg(w) },
                   else_branch = e () => (float[8] b) { b = Abs(w) }>"""
X = np.linspace(-1, 1, 8, dtype=np.float32)


@pytest.mark.parametrize(
    "dead",
    [
        "u = Neg(d)",
        "u = Neg(d) v = Exp(u)",
        "s = SequenceConstruct(x, d)",
        f"w = Abs(d) c = Constant<value = bool {{1}}>() u = {BRANCH}",
    ],
    ids=["one", "a chain", "a sequence", "a branch"],
)
def test_what_feeds_nothing_is_dropped(dead: str, tmp_path: Path) -> None:
    text = f"g (float[8] x, float[8] d) => (float[8] y) {{ y = Relu(x) {dead} }}"
    outcome = fix_text(text, tmp_path, CODE)
    assert operators(outcome) == ["Relu"]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
    assert outcome.model.view().main.inputs == ("x", "d")
    np.testing.assert_array_equal(run(outcome, {"x": X, "d": X})["y"], np.maximum(X, 0))
    assert diagnostics(outcome.model.proto(weights=True), CODE) == ()


def test_what_a_branch_reads_is_needed() -> None:
    text = f"g (float[8] x) => (float[8] y) {{ w = Abs(x) c = Constant<value = bool {{1}}>() y = {BRANCH} }}"
    assert diagnostics(text, CODE) == ()


def test_weights_of_dropped_nodes_go_and_others_stay(tmp_path: Path) -> None:
    text = "g (float[8] x) => (float[8] y) <float[1] w = {2}, float[1] v = {8}> { y = Mul(x, w) u = Mul(x, v) }"
    outcome = fix_text(text, tmp_path, CODE)
    assert [tensor.name for tensor in outcome.model.proto(weights=True).graph.initializer] == ["w"]


def test_what_is_needed_cannot_be_dropped() -> None:
    graph = parse("g (float[8] x) => (float[8] y) { h = Neg(x) y = Relu(h) }").graph
    with pytest.raises(ValueError, match="read"):
        drop_nodes(graph, {0})
