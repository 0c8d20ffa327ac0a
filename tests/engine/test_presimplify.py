"""onnxsim under proof: what it makes is taken where it computes the same, and its interface never."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from rkgraph.engine.fix import FixOutcome, FixSettings
from rkgraph.engine.presimplify import CODE
from rkgraph.errors import UsageError
from rkgraph.graph import simplify
from rkgraph.graph.model import Model
from rkgraph.graph.simplify import NotSimplified, simplified
from rkgraph.rulebook.rule import Options
from tests.engine.fixing import fix_text
from tests.rules.harness import parse

FOLDS = """<ir_version: 9, opset_import: ["" : 17]>
g (float[n, 8] x) => (float[n, 8] y)
<float[8, 8] w = {1.0,2.0,3.0,4.0,5.0,6.0,7.0,8.0,1.0,2.0,3.0,4.0,5.0,6.0,7.0,8.0,1.0,2.0,3.0,4.0,5.0,6.0,7.0,8.0,
1.0,2.0,3.0,4.0,5.0,6.0,7.0,8.0,1.0,2.0,3.0,4.0,5.0,6.0,7.0,8.0,1.0,2.0,3.0,4.0,5.0,6.0,7.0,8.0,1.0,2.0,3.0,4.0,
5.0,6.0,7.0,8.0,1.0,2.0,3.0,4.0,5.0,6.0,7.0,8.0}>
{ t = Transpose(w) u = Transpose(t) v = Identity(u) m = MatMul(x, v) s = Shape(m) y = Reshape(m, s) }"""


def model_of(text: str | onnx.ModelProto, folder: Path) -> Model:
    path = folder / "model.onnx"
    path.write_bytes((parse(text) if isinstance(text, str) else text).SerializeToString())
    return Model.load(path)


def presimplified(text: str, folder: Path) -> FixOutcome:
    settings = FixSettings(presimplify=True, counterexamples=folder / "wrong")
    return fix_text(text, folder, "RK999", settings=settings, proof="local", options=Options(dims={"n": 2}))


def test_it_is_a_fix_with_a_proof_and_keeps_the_interface(tmp_path: Path) -> None:
    outcome = presimplified(FOLDS, tmp_path)
    (fix,) = outcome.fixes.applied
    (proof,) = (proof for proof in outcome.proofs if proof.id in fix.proofs)
    assert (fix.code, fix.allowed_by, proof.outcome, proof.cases > 0) == (CODE, "--presimplify", "proved", True)
    assert len(outcome.model.view().main.nodes) < 4
    before, after = parse(FOLDS), outcome.model.proto(weights=True)
    assert [v.SerializeToString() for v in after.graph.input] == [v.SerializeToString() for v in before.graph.input]
    assert [v.SerializeToString() for v in after.graph.output] == [v.SerializeToString() for v in before.graph.output]
    assert (outcome.before.model.nodes, outcome.after.model.nodes) == (6, len(after.graph.node))


def test_nothing_to_simplify_is_nothing_done(tmp_path: Path) -> None:
    text = '<ir_version: 9, opset_import: ["" : 17]> g (float[n, 8] x) => (float[n, 8] y) { y = Relu(x) }'
    outcome = presimplified(text, tmp_path)
    assert not outcome.fixes.refused
    assert [node.op for node in outcome.model.view().main.nodes] == ["Relu"]


def test_a_wrong_simplification_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lie(given: Path, made: Path) -> None:
        model = onnx.load(given)
        model.graph.node[0].op_type = "Sigmoid"
        onnx.save(model, made)

    monkeypatch.setattr(simplify, "_run", lie)
    text = '<ir_version: 9, opset_import: ["" : 17]> g (float[n, 8] x) => (float[n, 8] y) { r = Relu(x) y = Neg(r) }'
    outcome = presimplified(text, tmp_path)
    (refused,) = outcome.fixes.refused
    assert "its proof refuted it, so it was taken back" in refused.reason
    assert (outcome.is_refuted, outcome.is_wrong) == (True, False)
    assert [node.op for node in outcome.model.view().main.nodes] == ["Relu", "Neg"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda graph: graph.input.pop(), "changed the inputs"),
        (lambda graph: setattr(graph.output[0], "name", "z"), "changed the outputs"),
        (lambda graph: setattr(graph.node[0], "domain", "my.own"), "custom domains: my.own"),
    ],
)
def test_an_interface_or_a_custom_node_that_changed_is_refused(
    change: object, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(given: Path, made: Path) -> None:
        model = onnx.load(given)
        change(model.graph)  # type: ignore[operator]
        made.write_bytes(model.SerializeToString())

    monkeypatch.setattr(simplify, "_run", spoil)
    with pytest.raises(NotSimplified, match=said):
        simplified(model_of(FOLDS, tmp_path))


def test_custom_nodes_are_kept(tmp_path: Path) -> None:
    inner = onnx.helper.make_node("Twirl", ["a"], ["b"], domain="my.own", angle=0.5)
    float_ = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["x"], ["a"]), inner, onnx.helper.make_node("Relu", ["b"], ["y"])],
        "g",
        [onnx.helper.make_tensor_value_info("x", float_, [1, 4])],
        [onnx.helper.make_tensor_value_info("y", float_, [1, 4])],
    )
    opsets = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("my.own", 1)]
    model = model_of(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=9), tmp_path)
    model.restore(simplified(model))
    assert ("my.own", "Twirl") in {(node.domain, node.op) for node in model.view().main.nodes}


def test_weights_beyond_a_protobuf_are_refused_unread(tmp_path: Path) -> None:
    """A sparse file stands for three gigabytes."""
    size = 3 << 30
    with (tmp_path / "weights.bin").open("wb") as file:
        file.truncate(size)
    weight = onnx.TensorProto(name="w", data_type=onnx.TensorProto.FLOAT, dims=[size // 4], data_location=1)
    for key, value in (("location", "weights.bin"), ("offset", "0"), ("length", str(size))):
        weight.external_data.add(key=key, value=value)
    one = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [size // 4]) for name in ("x", "y")]
    add = onnx.helper.make_node("Add", ["x", "w"], ["y"])
    graph = onnx.helper.make_graph([add], "g", one[:1], one[1:], [weight])
    opsets = [onnx.helper.make_opsetid("", 17)]
    model = model_of(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=9), tmp_path)
    with pytest.raises(NotSimplified, match=r"3\.0 GB, do not fit"):
        simplified(model)


def test_a_missing_package_is_named_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(UsageError) as caught:
        simplified(model_of(FOLDS, tmp_path))
    assert "pip install 'rkgraph[simplify]'" in str(caught.value.hint)


def test_a_crash_of_onnxsim_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(NotSimplified, match="onnxsim died"):
        simplified(model_of(FOLDS, tmp_path))


def test_large_weights_survive(tmp_path: Path) -> None:
    weights = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    text = "g (float[2, 64] x, float[64, 64] w) => (float[2, 64] y) { i = Identity(x) y = MatMul(i, w) }"
    model = parse(text)
    model.graph.input.pop()
    model.graph.initializer.append(onnx.numpy_helper.from_array(weights, "w"))
    loaded = model_of(model, tmp_path)
    loaded.restore(simplified(loaded))
    loaded.save(tmp_path / "s.onnx")
    (kept,) = onnx.load(tmp_path / "s.onnx").graph.initializer
    assert np.array_equal(onnx.numpy_helper.to_array(kept), weights)
