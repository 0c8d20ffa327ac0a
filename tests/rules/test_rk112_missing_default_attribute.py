from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from rkgraph.diagnostics import Severity, Verdict
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.jobs import Job
from rkgraph.toolkit.locate import find_toolkit
from tests.engine.fixing import fix_text
from tests.rules.harness import diagnostics, lint_text, parse
from tests.rules.rewriting import fixed, run

CODE = "RK112"
SCALE = "<float[4] s = {1, 2, -3, 4}>"


def norm(attributes: str = "", outputs: str = "y", types: str = "float[2, 4] y") -> str:
    return f"g (float[2, 4] x) => ({types}) {SCALE} {{ {outputs} = LayerNormalization{attributes}(x, s) }}"


def attributes_of(model: onnx.ModelProto) -> dict[str, float]:
    (node,) = model.graph.node
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


@pytest.mark.parametrize("attributes", ["", "<axis = -1>", "<axis = 1, stash_type = 1>"])
def test_the_default_is_written_out_bit_for_bit(attributes: str) -> None:
    after, (edit,) = fixed(norm(attributes), CODE)
    assert not hasattr(edit, "reason")
    assert attributes_of(after)["epsilon"] == pytest.approx(1e-5)
    x = {"x": np.random.default_rng(0).normal(size=(2, 4)).astype(np.float32)}
    np.testing.assert_array_equal(run(after, x)[0], run(norm(attributes), x)[0])


def test_other_attributes_and_outputs_stay() -> None:
    text = norm("<axis = 1>", "y, m", "float[2, 4] y, float[2, 1] m")
    after, _ = fixed(text, CODE)
    assert attributes_of(after)["axis"] == 1
    assert [value.name for value in after.graph.output] == ["y", "m"]
    x = {"x": np.ones((2, 4), dtype=np.float32)}
    np.testing.assert_array_equal(run(after, x)[1], run(text, x)[1])


def test_hard_sigmoid_in_front_of_a_product() -> None:
    text = "g (float[1, 4, 8, 8] x) => (float[1, 4, 8, 8] y) { h = HardSigmoid(x) y = Mul(x, h) }"
    assert [found.observed["attribute"] for found in diagnostics(text, CODE)] == ["alpha"]
    alone = "g (float[1, 4, 8, 8] x) => (float[1, 4, 8, 8] y) { y = HardSigmoid(x) }"
    assert diagnostics(alone, CODE) == ()


def test_what_has_no_default_is_not_its_business() -> None:
    assert diagnostics("g (float[1, 2, 4, 4] x) => (float[1, 1, 1, 1] y) { y = ReduceL2(x) }", CODE) == ()


def test_what_is_written_is_left_alone() -> None:
    assert diagnostics(norm("<epsilon = 0.00001>"), CODE) == ()


def test_it_is_the_cause_of_the_failing_build() -> None:
    result = lint_text(norm("<axis = -1>"))
    assert result.verdict is Verdict.BUILD_FAILS
    (cause,) = [d for d in result.diagnostics if d.cause and d.severity is Severity.ERROR]
    assert cause.code == CODE
    assert cause.fingerprint in {d.induced_by for d in result.diagnostics}


def test_the_engine_proves_it_and_the_model_becomes_deployable(tmp_path: Path) -> None:
    outcome = fix_text(norm("<axis = -1>"), tmp_path, CODE)
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
    assert outcome.after.verdict is Verdict.DEPLOYABLE


@pytest.mark.toolkit
def test_the_toolkit_builds_it_only_then(tmp_path: Path) -> None:
    before, after = parse(norm("<axis = -1>")), fixed(norm("<axis = -1>"), CODE)[0]
    results = []
    with Worker(find_toolkit("2.3.2", None)) as worker:
        for number, model in enumerate((before, after)):
            path = tmp_path / f"{number}.onnx"
            onnx.save(model, path)
            results.append(worker.run(Job(path)))
    assert [result.outcome for result in results] == ["build-failed", "ok"]
    assert "KeyError" in (results[0].error or "")
