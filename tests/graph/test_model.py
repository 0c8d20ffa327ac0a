"""Model: the round-trip law, edits, regions, extraction, saving."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from rkgraph.errors import ModelError, UsageError
from rkgraph.graph.extract import UnknownDtype
from rkgraph.graph.links import Linked
from rkgraph.graph.model import Model
from rkgraph.graph.rebuild import rebuild
from rkgraph.graph.rewrite import EXACT, FreezeInputs, PinShapes, Rewrite, SetOpset, Tape
from tests.builders import attention_block, dynamic_model, external_model, saved, text_model, weighted_model

BRANCHES = """
    g (bool c, float[2] x) => (float[2] y) {
        shared = Relu(x)
        y = If (c) <
            then_branch = t () => (float[2] a) { a = Neg(shared) },
            else_branch = e () => (float[2] b) { b = Abs(shared) }
        >
    }
"""


def opened(model: onnx.ModelProto, folder: Path) -> Model:
    return Model.load(saved(model, folder))


def adorned(model: onnx.ModelProto, text: str, number: int) -> onnx.ModelProto:
    """`model` with something in every place that graphsurgeon's round trip drops."""
    model.domain, model.model_version, model.doc_string = text, number, text
    model.metadata_props.add(key="k", value=text)
    model.graph.metadata_props.add(key="g", value=text)
    model.opset_import.add(domain="com.microsoft", version=1)
    model.training_info.add().algorithm.name = text
    annotation = model.graph.quantization_annotation.add(tensor_name="y")
    annotation.quant_parameter_tensor_names.add(key="SCALE_TENSOR", value="s")
    for node in model.graph.node:
        node.doc_string = text
        node.metadata_props.add(key="n", value=text)
    node = model.graph.node[0]
    node.attribute.append(helper.make_attribute("tp", helper.make_tensor_type_proto(1, [text or "n"])))
    function = model.functions.add(name="f", domain="local", input=["a"], output=["b"])
    function.node.append(helper.make_node("Relu", ["a"], ["b"]))
    function.opset_import.add(domain="", version=17)
    return model


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.sampled_from([4, 50, 51, 64]),
    text=st.text(max_size=8),
    number=st.integers(0, 2**40),
    seed=st.integers(0, 9),
)
def test_load_and_save_is_the_identity(size: int, text: str, number: int, seed: int, tmp_path: Path) -> None:
    model = adorned(weighted_model(size, seed), text, number)
    model.graph.initializer[seed % 2].data_location = TensorProto.DEFAULT
    opened(model, tmp_path).save(tmp_path / "out.onnx")
    assert onnx.load(tmp_path / "out.onnx") == model


@pytest.mark.parametrize("make", [weighted_model, attention_block, dynamic_model, lambda: text_model(BRANCHES)])
def test_links_and_back_is_the_identity(make) -> None:  # type: ignore[no-untyped-def]
    graph = adorned(make(), "text", 3).graph
    linked = Linked(graph)
    assert rebuild(linked, linked.graph, [], [], []) == graph


@pytest.mark.parametrize("dtype", [TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT64, TensorProto.DOUBLE])
def test_typed_fields_survive(dtype: int, tmp_path: Path) -> None:
    model = weighted_model(4)
    model.graph.initializer[0].CopyFrom(helper.make_tensor("weight", dtype, [12_000], [1] * 12_000))
    opened(model, tmp_path).save(tmp_path / "out.onnx")
    assert onnx.load(tmp_path / "out.onnx") == model
    assert opened(model, tmp_path).proto(weights=True) == model


def replace(model: Model, old: str, op: str, *inputs: str):  # type: ignore[no-untyped-def]
    tape = Tape(f"test/{old}")
    return model.apply(Rewrite({old: tape.op(op, *inputs)}, tape, EXACT))


def test_a_rewrite_takes_dead_nodes_and_weights_out(tmp_path: Path) -> None:
    model = opened(weighted_model(), tmp_path)
    applied = replace(model, "sum", "Neg", "x")
    view = model.view()
    assert applied.removed == ("add", "matmul")
    assert [node.op for node in view.main.nodes] == ["Neg", "Relu"]
    assert not model.proto(weights=False).graph.initializer
    assert applied.before.inputs == applied.after.inputs == ("x",)
    assert applied.before.outputs == ("sum",)
    assert applied.after.outputs == ("test/sum/Neg_0",)


@pytest.mark.parametrize("source", ["sum", "x", "y"])
def test_graph_outputs_keep_their_names(source: str, tmp_path: Path) -> None:
    model = opened(weighted_model(), tmp_path)
    applied = replace(model, "y", "Abs", source)
    model.save(tmp_path / "out.onnx")
    onnx.checker.check_model(tmp_path / "out.onnx", full_check=True)
    assert model.view().main.outputs == ("y",)
    assert applied.after.outputs == ("y",)
    model.extract(applied.after.inputs, applied.after.outputs)


def test_an_output_may_become_an_existing_value(tmp_path: Path) -> None:
    model = opened(weighted_model(), tmp_path)
    model.apply(Rewrite({"y": "sum"}, Tape("test"), EXACT))
    assert [node.op for node in model.view().main.nodes] == ["MatMul", "Add", "Identity"]
    model.apply(Rewrite({"y": "x"}, Tape("test"), EXACT))
    assert [node.op for node in model.view().main.nodes] == ["Identity"]
    assert model.view().main.outputs == ("y",)


def test_readers_in_subgraphs_are_rewired(tmp_path: Path) -> None:
    model = opened(text_model(BRANCHES), tmp_path)
    applied = replace(model, "shared", "Neg", "x")
    onnx.checker.check_model(model.proto(weights=True), full_check=True)
    inner = [graph.nodes[0].inputs for graph in model.view().graphs() if graph.parent]
    assert inner == [("test/shared/Neg_0",)] * 2
    assert applied.removed == ("Relu→shared",)


def test_a_value_inside_a_subgraph_can_be_replaced(tmp_path: Path) -> None:
    model = opened(text_model(BRANCHES), tmp_path)
    applied = replace(model, "a", "Abs", "shared")
    onnx.checker.check_model(model.proto(weights=True), full_check=True)
    assert applied.after.outputs == applied.before.outputs == ("y",)


@pytest.mark.parametrize(("old", "source"), [("nothing", "x"), ("sum", "nothing"), ("product", "sum")])
def test_a_wrong_rewrite_changes_nothing(old: str, source: str, tmp_path: Path) -> None:
    model = opened(weighted_model(), tmp_path)
    before = model.snapshot()
    tape = Tape("test")
    with pytest.raises(ValueError, match="rewrite"):
        model.apply(Rewrite({old: tape.op("Neg", source)}, tape, EXACT))
    assert model.snapshot().proto is before.proto


def test_snapshots_restore(tmp_path: Path) -> None:
    original = weighted_model()
    model = opened(original, tmp_path)
    start, sha256 = model.snapshot(), model.view().sha256
    replace(model, "sum", "Neg", "x")
    assert model.view().sha256 != sha256
    model.restore(start)
    assert model.proto(weights=True) == original


def test_a_large_new_constant_is_saved_and_viewed(tmp_path: Path) -> None:
    model = opened(weighted_model(), tmp_path)
    tape = Tape("test")
    array = np.arange(128 * 128).reshape(128, 128)
    weight = tape.constant(array, "float32")
    model.apply(Rewrite({"product": tape.op("MatMul", "x", weight)}, tape, EXACT))
    assert model.view().main.value(weight).shape == (128, 128)
    model.save(tmp_path / "out.onnx")
    tensors = {t.name: t for t in onnx.load(tmp_path / "out.onnx").graph.initializer}
    assert np.array_equal(numpy_helper.to_array(tensors[weight]), array)


def test_extraction_is_self_contained(tmp_path: Path) -> None:
    part = Model.load(external_model(tmp_path)).extract(["product"], ["sum"])
    onnx.checker.check_model(part, full_check=True)
    assert [tensor.name for tensor in part.graph.initializer] == ["bias"]
    assert part.graph.initializer[0].raw_data == weighted_model().graph.initializer[1].raw_data


def test_extraction_needs_enough_inputs(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'x' is needed"):
        opened(weighted_model(), tmp_path).extract(["bias"], ["sum"])


@pytest.mark.parametrize("placement", ["keep", "inline", "beside"])
@pytest.mark.parametrize("folder", ["same", "other"])
def test_saving_external_weights(placement, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    source = tmp_path / "same"
    target = tmp_path / folder
    source.mkdir()
    target.mkdir(exist_ok=True)
    model = Model.load(external_model(source))
    monkeypatch.chdir("/")
    model.save(target / "out.onnx", placement)
    again = onnx.load(target / "out.onnx")
    expected = [numpy_helper.to_array(tensor) for tensor in weighted_model().graph.initializer]
    assert all(
        np.array_equal(numpy_helper.to_array(t), e) for t, e in zip(again.graph.initializer, expected, strict=True)
    )
    has_second_file = (target / "out.onnx.data").exists()
    assert has_second_file is (placement == "beside")


def test_the_input_is_not_overwritten(tmp_path: Path) -> None:
    model = opened(weighted_model(), tmp_path)
    before = model.path.read_bytes()
    (tmp_path / "link.onnx").symlink_to(model.path)
    for path in (model.path, tmp_path / "link.onnx"):
        with pytest.raises(UsageError, match="overwritten"):
            model.save(path)
    assert model.path.read_bytes() == before
    model.save(model.path, in_place=True)
    assert model.proto(weights=True) == onnx.load(model.path) == weighted_model()


def test_weights_in_use_are_not_overwritten(tmp_path: Path) -> None:
    model = Model.load(external_model(tmp_path, location="out.onnx"))
    with pytest.raises(UsageError, match="holds weights"):
        model.save(tmp_path / "out.onnx")


def test_pinning_and_freezing(tmp_path: Path) -> None:
    model = opened(dynamic_model(), tmp_path)
    with pytest.raises(UsageError, match="no input"):
        model.apply(FreezeInputs({"z": np.zeros(1)}))
    with pytest.raises(UsageError, match="fixes it at 4"):
        model.apply(FreezeInputs({"x": np.zeros((2, 5), np.float32)}))
    model.apply(PinShapes({}, {"batch": 3}))
    assert model.view().main.value("y").shape == (3, 4)
    model.apply(FreezeInputs({"x": np.array(2)}))
    view = model.view()
    assert view.main.inputs == ()
    assert view.main.constant("x").values == (2.0,) * 12  # type: ignore[union-attr]


def test_freezing_loses_nothing(tmp_path: Path) -> None:
    model = opened(text_model("g (int64[1] i) => (int64[1] y) { y = Neg(i) }"), tmp_path)
    with pytest.raises(UsageError, match="do not fit"):
        model.apply(FreezeInputs({"i": np.array([0.5])}))


def test_opset(tmp_path: Path) -> None:
    model = opened(weighted_model(), tmp_path)
    model.apply(SetOpset(13))
    assert model.view().opset == 13


def test_missing_weights(tmp_path: Path) -> None:
    path = external_model(tmp_path)
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(ModelError, match=r"weights\.bin"):
        Model.load(path)


def test_constants_of_a_rewrite_are_no_inputs_whatever_the_ir_version(tmp_path: Path) -> None:
    proto = weighted_model()
    proto.ir_version = 3
    weights = proto.graph.initializer
    proto.graph.input.extend(helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in weights)
    onnx.checker.check_model(proto)
    model = opened(proto, tmp_path)
    tape = Tape("test")
    new = tape.op("Add", "product", tape.constant(np.zeros(128), "float32"))
    model.apply(Rewrite({"sum": new}, tape, EXACT))
    onnx.checker.check_model(model.proto(weights=True))
    assert model.view().main.inputs == ("x",)


def test_extraction_leaves_out_inputs_that_are_no_more(tmp_path: Path) -> None:
    part = opened(weighted_model(), tmp_path).extract(["product", "gone"], ["sum"])
    assert [value.name for value in part.graph.input] == ["product"]


def test_extraction_says_which_dtype_is_unknown(tmp_path: Path) -> None:
    model = weighted_model()
    model.graph.node[0].domain = "elsewhere"
    model.opset_import.add(domain="elsewhere", version=1)
    with pytest.raises(UnknownDtype, match="'product'"):
        opened(model, tmp_path).extract(["product"], ["sum"])
