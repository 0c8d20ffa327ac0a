from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from rkgraph.diagnostics import Safety
from rkgraph.engine.fix import FixOutcome, fix_model
from rkgraph.graph.model import Model
from rkgraph.graph.rewrite import ReshapeOutputs
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target
from tests.rules.harness import diagnostics, parse
from tests.rules.rewriting import run

CODE = "RK330"
TWO = """g (float[2, 3, 5, 5] x) => (float[2, 3] y, float[2, 3, 25] z)
    <int64[3] rows = {2, 3, 25}>
    { r = Relu(x) z = Reshape(r, rows) m = GlobalAveragePool(x) y = Flatten(m) }"""


def fix(text: str, folder: Path, *allow: Safety, codes: tuple[str, ...] = (CODE,)) -> FixOutcome:
    path = folder / "model.onnx"
    onnx.save(parse(text), path)
    ruleset = RuleSet("test", "2.3.2", codes)
    return fix_model(Model.load(path), Target(), ruleset, Options(), frozenset(allow), proof="model")


def test_outputs_get_four_dimensions_and_the_whole_is_proved(tmp_path: Path) -> None:
    outcome = fix(TWO, tmp_path, Safety.INTERFACE)
    after = outcome.model.proto(weights=True)
    assert [fix.code for fix in outcome.fixes.applied] == [CODE, CODE]
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
    assert {proof.kind for proof in outcome.proofs} == {"structure", "model"}
    shapes = {o.name: [d.dim_value for d in o.type.tensor_type.shape.dim] for o in after.graph.output}
    assert shapes == {"y": [2, 3, 1, 1], "z": [2, 3, 1, 25]}
    feeds = {"x": np.random.default_rng(0).normal(size=(2, 3, 5, 5)).astype(np.float32)}
    for new, old in zip(run(after, feeds), run(TWO, feeds), strict=True):
        np.testing.assert_array_equal(new.ravel(), old.ravel())
    path = tmp_path / "again.onnx"
    onnx.save(after, path)
    assert diagnostics(after, CODE) == ()


def test_an_output_that_is_declared_dynamic_and_is_not(tmp_path: Path) -> None:
    text = "g (float[2, 3, 5, 5] x) => (float[n, 3] y) { m = GlobalAveragePool(x) y = Flatten(m) }"
    outcome = fix(text, tmp_path, Safety.INTERFACE)
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}
    assert outcome.model.view().main.value("y").shape == (2, 3, 1, 1)


def test_it_is_asked_for(tmp_path: Path) -> None:
    outcome = fix(TWO, tmp_path)
    assert {refused.needs for refused in outcome.fixes.refused} == {"--allow interface"}


@pytest.mark.parametrize(
    "text",
    [
        "g (float[1, 3] x, float[3, 8] w) => (float[1, 3] y, float[1, 8] z) { y = Relu(x) z = MatMul(y, w) }",
        """g (float[1, 3] x, float[3, 8] w) => (float[1, 3] y, float[1, 8] z) <int64[2] s = {1, 3}>
        { r = Relu(x) y = Reshape(r, s) z = MatMul(r, w) }""",
        """g (float[1, 3] x) => (float[1, 3] y, float[3] z) <int64[2] s = {1, 3}, int64[1] t = {3}>
        { r = Relu(x) y = Reshape(r, s) z = Reshape(y, t) }""",
    ],
)
def test_what_others_read_too_is_left_alone(text: str) -> None:
    assert [found.at.value for found in diagnostics(parse_unchecked(text), CODE)] == []


def test_a_maker_of_several_outputs(tmp_path: Path) -> None:
    text = "g (float[1, 6] x) => (float[1, 3] y, float[1, 3] z) { r = Relu(x) y, k = Split<axis = 1>(r) z = Neg(k) }"
    assert {proof.outcome for proof in fix(text, tmp_path, Safety.INTERFACE).proofs} == {"proved"}


def test_another_dtype_is_given_beside_another_shape(tmp_path: Path) -> None:
    text = """g (int64[1, 8] m, float[1, 8] x) => (float[1, 8] a, float[1, 3] y)
        <int64[1] s = {0}, int64[1] e = {3}, int64[1] ax = {1}>
        { f = Cast<to = 1>(m) a = Mul(f, x) y = Slice(a, s, e, ax) }"""
    outcome = fix(text, tmp_path, Safety.INTERFACE, codes=(CODE, "RK401", "RK512"))
    assert {fix.code for fix in outcome.fixes.applied} >= {CODE, "RK512"}
    assert {proof.outcome for proof in outcome.proofs} == {"proved"}


def test_a_wrong_order_of_numbers_is_refuted(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(parse(TWO), path)
    model = Model.load(path)
    with pytest.raises(ValueError, match="is to become"):
        model.apply(ReshapeOutputs({"y": (2, 3, 2, 1)}, {"y": "inner"}))
    with pytest.raises(ValueError, match="no output"):
        model.apply(ReshapeOutputs({"x": (2, 3, 5, 5)}, {"x": "inner"}))


@pytest.mark.parametrize(
    "text",
    [
        "g (float[1, 8] x) => (float[1, 8] y) { y = Relu(x) }",
        "g (float[1, 3, 2, 5] x) => (float[1, 3, 2, 5] y) { y = Relu(x) }",
        "g (float[7] x) => (float[7] y) { y = Relu(x) }",
        "g (float[1, n] x) => (float[1, n] y) { y = Relu(x) }",
        "g (int64[1, 3] x) => (int64[1, 3] y) { y = Abs(x) }",
        "g (float[1, 3] x) => (float[1, 3] y, float[1, 3] y) { y = Relu(x) }",
        # What a file declares of results that data size is one run's shape.
        "g (float[3, 2] x, bool[3] rows) => (float[2, 2] y) { y = Compress<axis = 0>(x, rows) }",
        "g (float[3, 2] x, bool[3] rows) => (float[2, 2] y) { a = Compress<axis = 0>(x, rows) y = Relu(a) }",
        "g (float[3, 2] x) => (float[2, 2] y) { y, a, b, c = Unique<axis = 0>(x) }",
    ],
)
def test_aligned_others_and_unknown_ones_are_left_alone(text: str) -> None:
    assert diagnostics(parse_unchecked(text), CODE) == ()


def parse_unchecked(text: str) -> onnx.ModelProto:
    return onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]>\n{text}')


@pytest.mark.parametrize(("platform", "count"), [("rk3588", 1), ("rk3566", 0), ("rk3576", 0)])
def test_what_a_row_is_a_multiple_of_depends_on_the_platform(platform: str, count: int) -> None:
    text = "g (float[1, 12] x) => (float[1, 12] y) { y = Relu(x) }"
    assert len(diagnostics(text, CODE, target=Target(platform))) == count


@pytest.mark.parametrize(("channels", "samples", "found"), [(1, 516, 0), (1, 100, 1), (16, 516, 1), (15, 516, 1)])
def test_an_output_that_would_be_mostly_padding_is_left_alone(channels: int, samples: int, found: int) -> None:
    shape = f"1, {channels}, {samples + 2}"
    text = f"""g (float[{shape}] x) => (float[1, {channels}, {samples}] y)
    <float[{channels}, {channels}, 3] w = {{{", ".join(["0.1"] * (channels * channels * 3))}}}>
    {{ c = Conv(x, w) y = Tanh(c) }}"""
    assert len(diagnostics(text, CODE)) == found
