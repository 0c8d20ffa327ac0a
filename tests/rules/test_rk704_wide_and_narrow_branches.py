from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper

from rkgraph.engine.fix import FixOutcome, FixSettings, fix_model
from rkgraph.graph.model import Model
from rkgraph.rulebook.rule import Options
from rkgraph.rulebook.ruleset import RuleSet
from rkgraph.targets import Target
from rkgraph.toolkit.client import Worker
from rkgraph.toolkit.locate import find_toolkit
from tests.rules.harness import diagnostics, made_up
from tests.rules.quantized import quantized_likeness
from tests.rules.rewriting import run

CODE = "RK704"
INT8 = Target(precision="w8a8")
CONVOLVED = "p = Conv<pads = [1, 1, 1, 1]>(x, w1, b1) q = Relu(p) n = Conv<pads = [1, 1, 1, 1]>(x, w2, b2)"
ENDS = {
    "Relu": "r = Relu(n)",
    "pooled": "s = LeakyRelu(n) r = MaxPool<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>(s)",
    "biased": "s = Add(n, b3) r = Identity(s)",
    "squashed": "s = Sigmoid(n) r = Mul(s, s)",
    "read twice": "r = Relu(n)",
}


def model(end: str, ratio: float, seed: int = 0, tail: str = "") -> onnx.ModelProto:
    """Two branches of convolutions, the first `ratio` times as wide, joined in front of one that weighs them alike."""
    twice = "t = Relu(r)" if end == "read twice" else ""
    text = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> g (float[1, 4, 8, 8] x) => (float[1, 6, 8, 8] y'
        f"{', float[1, 4, 8, 8] t' if twice else ''}) {{ {CONVOLVED} {ENDS[end]} c = Concat<axis = 1>(q, r) "
        f"y = Conv(c, w3) {twice} {tail} }}"
    )
    random = np.random.default_rng(seed)
    w3 = random.normal(size=(6, 8, 1, 1))
    w3[:, 4:] *= ratio
    arrays = {
        "w1": random.normal(size=(4, 4, 3, 3)) * ratio / 6,
        "w2": random.normal(size=(4, 4, 3, 3)) / 6,
        "w3": w3,
        "b1": random.normal(size=4),
        "b2": random.normal(size=4) / 4,
        "b3": random.normal(size=(4, 1, 1)) / 4,
    }
    read = {name for node in text.graph.node for name in node.input}
    text.graph.initializer.extend(
        numpy_helper.from_array(array.astype(np.float32), name) for name, array in arrays.items() if name in read
    )
    return text


def fixed(proto: onnx.ModelProto, folder: Path) -> FixOutcome:
    path = folder / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    given_ = FixSettings(samples=made_up(proto, 1.0))
    return fix_model(
        Model.load(path), INT8, RuleSet("test", "2.3.2", (CODE,)), Options(), proof="local", settings=given_
    )


@pytest.mark.parametrize("end", ENDS)
def test_results_stay_the_same_bit_for_bit(end: str, tmp_path: Path) -> None:
    proto = model(end, 100.0)
    outcome = fixed(proto, tmp_path)
    assert [fix.code for fix in outcome.fixes.applied] == [CODE]
    after = outcome.model.proto(weights=True)
    for feeds in made_up(proto, 3.0, 2):
        np.testing.assert_array_equal(run(after, feeds)[0], run(proto, feeds)[0])
    added = [node for node in outcome.model.view().main.nodes if node.op == "Mul" and "r" in node.inputs]
    assert len(added) == (end in ("squashed", "read twice"))


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(sorted(ENDS)), st.floats(0.001, 5000), st.integers(0, 1000))
def test_whatever_the_ratio(end: str, ratio: float, seed: int) -> None:
    import tempfile

    proto = model(end, ratio, seed)
    with tempfile.TemporaryDirectory() as folder:
        outcome = fixed(proto, Path(folder))
    assert "refuted" not in {proof.outcome for proof in outcome.proofs}
    feeds = made_up(proto, 1.0, 4)[3]
    np.testing.assert_allclose(
        run(outcome.model.proto(weights=True), feeds)[0], run(proto, feeds)[0], rtol=1e-5, atol=1e-6
    )


def test_a_fixed_model_is_left_as_it_is(tmp_path: Path) -> None:
    once = fixed(model("Relu", 100.0), tmp_path).model.proto(weights=True)
    assert fixed(once, tmp_path).fixes.applied == ()


@pytest.mark.parametrize(
    "text",
    [
        "c = Concat<axis = 1>(a, b) r = Relu(c) y = MatMul(r, w)",
        "c = Concat<axis = 1>(a, b) y = MatMul(c, w) z = Tanh(c)",
        "c = Concat<axis = 2>(a, b) y = MatMul(c, v)",
        "c = Concat<axis = 1>(a, b) d = Transpose<perm = [0, 2, 1]>(c) y = MatMul(d, w)",
    ],
    ids=range(4),
)
def test_other_readers_and_other_axes_are_left_alone(text: str) -> None:
    """The first three: another operator, a second reader, and a product that does not sum along the joined axis."""
    whole = f"""g (float[1, 4, 8] x) => (float y) <float big = {{100}}, float[8, 3] w = {{{", ".join(["1"] * 24)}}},
    float[16, 3] v = {{{", ".join(["1"] * 48)}}}> {{ a = Mul(x, big) b = Relu(x) {text} }}"""
    proto = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {whole}')
    del proto.graph.output[0].type.tensor_type.shape.dim[:]
    proto.graph.output[0].CopyFrom(onnx.ValueInfoProto(name="y"))
    proto = onnx.shape_inference.infer_shapes(proto)
    found = diagnostics(proto, CODE, target=INT8, samples=1.0)
    assert len(found) == ("axis = 2" in text)


def test_without_samples_or_in_fp16_nothing_is_found() -> None:
    proto = model("Relu", 100.0)
    assert diagnostics(proto, CODE, target=INT8) == ()
    assert diagnostics(proto, CODE, samples=1.0) == ()
    assert len(diagnostics(proto, CODE, target=INT8, samples=1.0)) == 1
    assert diagnostics(model("Relu", 3.0), CODE, target=INT8, samples=1.0) == ()


@pytest.mark.toolkit
@pytest.mark.parametrize("end", ["Relu", "squashed"])
def test_the_quantized_simulator_gains_by_it(end: str, tmp_path: Path) -> None:
    proto = model(end, 128.0)
    given_ = made_up(proto, 1.0, 6)
    after = fixed(proto, tmp_path).model.proto(weights=True)
    with Worker(find_toolkit("2.3.2", None)) as worker:
        plain = quantized_likeness(worker, proto, proto, given_, tmp_path / "before")
        wider = quantized_likeness(worker, after, proto, given_, tmp_path / "after")
    assert 1 - wider < 0.1 * (1 - plain), (plain, wider)
