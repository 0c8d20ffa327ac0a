from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from rkgraph.diagnostics import Safety
from rkgraph.engine.fix import FixOutcome, fix_model
from rkgraph.graph.model import Model
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target
from tests.rules.harness import diagnostics, parse
from tests.rules.rewriting import operators, run

CODE = "RK512"
MASKED = """g ({0}[1, 8] mask, float[1, 2, 8, 8] x) => (float[1, 2, 8, 8] y, float[1, 8] z)
    <int64[2] axes = {{1, 2}}, float one = {{1}}, float fill = {{-10000}}>
    {{ u = Unsqueeze(mask, axes) m = Cast<to = 1>(u) o = Sub(one, m) l = Mul(o, fill) s = Add(x, l)
       y = Softmax<axis = -1>(s) z = Cast<to = 1>(mask) }}"""


def fix(text: str, folder: Path, *allow: Safety) -> FixOutcome:
    path = folder / "model.onnx"
    onnx.save(parse(text), path)
    ruleset = RuleSet("test", "2.3.2", ("RK401", "RK511", "RK512"))
    return fix_model(Model.load(path), Target(), ruleset, Options(), frozenset(allow), proof="model")


@pytest.mark.parametrize("dtype", ["int64", "int32"])
def test_a_mask_becomes_a_float_and_the_whole_is_proved(dtype: str, tmp_path: Path) -> None:
    text = MASKED.format(dtype)
    outcome = fix(text, tmp_path, Safety.INTERFACE)
    after = outcome.model.proto(weights=True)
    assert not outcome.is_refuted
    assert [proof.outcome for proof in outcome.proofs if proof.kind == "model"] == ["proved"]
    assert operators(after).count("Cast") <= 1  # between input and output one has to stay
    assert [i.type.tensor_type.elem_type for i in after.graph.input] == [1, 1]
    x = np.random.default_rng(0).normal(size=(1, 2, 8, 8)).astype(np.float32)
    mask = (np.arange(8) < 5).reshape(1, 8)
    before = run(text, {"mask": mask.astype(dtype), "x": x})
    for one, other in zip(run(after, {"mask": mask.astype(np.float32), "x": x}), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_it_is_asked_for(tmp_path: Path) -> None:
    outcome = fix(MASKED.format("int64"), tmp_path)
    assert [refused.needs for refused in outcome.fixes.refused if refused.code == CODE] == ["--allow interface"]
    assert [i.type.tensor_type.elem_type for i in outcome.model.proto(weights=True).graph.input] == [7, 1]


@pytest.mark.parametrize(
    "text",
    [
        "g (int64[8] m) => (float[8] y, int64[8] z) { y = Cast<to = 1>(m) z = Add(m, m) }",
        "g (int64[8] m) => (float[8] y, float16[8] z) { y = Cast<to = 1>(m) z = Cast<to = 10>(m) }",
        "g (bool[8] m) => (float[8] y) { y = Cast<to = 1>(m) }",
        "g (float[8] m) => (float16[8] y) { y = Cast<to = 10>(m) }",
        "g (int64[8] m) => (int32[8] y) { y = Cast<to = 6>(m) }",
        "g (int64[8] m, float[8] x) => (float[8] y) { y = Neg(x) }",
    ],
    ids=range(6),
)
def test_what_is_used_otherwise_is_left_alone(text: str) -> None:
    assert diagnostics(text, CODE) == ()
