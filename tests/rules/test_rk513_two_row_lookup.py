from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.diagnostics import Safety
from rkgraph.engine.fix import fix_model
from rkgraph.graph.model import Model
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target
from tests.rules.harness import diagnostics, parse
from tests.rules.rewriting import fixed, operators, run

CODE = "RK513"


def model(
    shape: str = "1, 5", table: str = "float[2, 3] t = {1, 2, 3, -4, 5, 60}", node: str = "Gather(t, i)", more: str = ""
) -> str:
    rank = shape.count(",") + 2 if shape else 1
    return f"""g (int64[{shape}] i) => (float[{", ".join("ABCDE"[:rank])}] y) <{table}> {{ y = {node} {more} }}"""


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(0, 99))
def test_the_rows_stay(shape: list[int], seed: int) -> None:
    before = model(", ".join(map(str, shape)))
    after, edits = fixed(before, CODE)
    assert len(edits) == 1
    assert "Gather" not in operators(after)
    rows = np.random.default_rng(seed).integers(0, 2, shape)
    found, wanted = (run(each, {"i": rows})[0].astype(np.float64) for each in (after, before))
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize(
    "text",
    [
        model(table="float[3, 2] t = {1, 2, 3, 4, 5, 6}"),
        model(table="float[2, 2] t = {1, 2, 3, 4}", node="Gather<axis = 1>(t, i)"),
        model(table="float[2] t = {1, 2}").replace("[A, B, C] y", "[A, B] y"),
        model(more="z = Add(i, i)"),
        "g (int64[5] i, float[2, 3] t) => (float[5, 3] y) { y = Gather(t, i) }",
        "g (int64[5] j) => (float[5, 2] y) <float[2, 2] t = {1, 2, 3, 4}> { i = Neg(j) y = Gather(t, i) }",
    ],
    ids=range(6),
)
def test_other_lookups_are_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()


def test_the_whole_model_is_compared_on_the_two_rows_only(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(parse(model(node="Gather(t, i)").replace("{ y = Gather(t, i)", "{ g = Gather(t, i) y = Relu(g)")), path)
    ruleset = RuleSet("test", "2.3.2", ("RK401", "RK512", "RK513"))
    outcome = fix_model(Model.load(path), Target(), ruleset, Options(), frozenset({Safety.INTERFACE}), proof="model")
    assert {fix.code for fix in outcome.fixes.applied} == {"RK401", "RK512", "RK513"}
    assert [proof.outcome for proof in outcome.proofs if proof.kind == "model"] == ["proved"]
