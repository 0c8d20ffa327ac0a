"""Malformed models are refused when they are read, in words that say where; all that 2.3.2 builds is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx import AttributeProto, TensorProto, helper

from rkgraph.errors import ModelError
from rkgraph.graph.load import read_view
from rkgraph.graph.model import Model
from tests.builders import saved
from tests.fuzz_models import as_branch, as_function, sound_models


def node(op: str, inputs: list[str], outputs: list[str], **attributes: object) -> onnx.NodeProto:
    return helper.make_node(op, inputs, outputs, name="it", **attributes)


def model(*nodes: onnx.NodeProto, opset: int = 17) -> onnx.ModelProto:
    """x: float[1, 4] → nodes → y."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy")
    constants = [helper.make_tensor("axes", TensorProto.INT64, [1], [0])]
    graph = helper.make_graph(list(nodes), "g", [x], [y], constants)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", opset)])


def kind_changed() -> onnx.NodeProto:
    softmax = node("Softmax", ["x"], ["y"])
    softmax.attribute.append(helper.make_attribute("axis", 1.0))
    return softmax


def lying() -> onnx.NodeProto:
    softmax = node("Softmax", ["x"], ["y"])
    softmax.attribute.append(AttributeProto(name="axis", type=AttributeProto.INT, ints=[1, 2]))
    return softmax


def doubled() -> onnx.NodeProto:
    softmax = node("Softmax", ["x"], ["y"], axis=0)
    softmax.attribute.append(softmax.attribute[0])
    return softmax


BAD: dict[str, tuple[onnx.ModelProto, str]] = {
    "too few inputs": (model(node("Add", ["x"], ["y"])), "Add has at least 2 inputs, this one has 1"),
    "no inputs": (model(node("Concat", [], ["y"], axis=0)), "Concat has at least 1 input, this one has 0"),
    "too many inputs": (model(node("Relu", ["x", "x"], ["y"])), "Relu has at most 1 input, this one has 2"),
    "no outputs": (model(node("Relu", ["x"], ["y"]), node("Relu", ["x"], [])), "at least 1 output, this one has 0"),
    "input left out": (model(node("Add", ["x", ""], ["y"])), "Add needs its input 1, which is left out"),
    "attribute missing": (model(node("Cast", ["x"], ["y"])), "Cast needs attribute 'to'"),
    "attribute of a wrong kind": (model(kind_changed()), "'axis' of Softmax is of a wrong kind"),
    "attribute that lies": (model(lying()), "'axis' does not hold what it says"),
    "attribute twice": (model(doubled()), "an attribute is there twice"),
    "operator newer than the opset": (model(node("Where", ["x", "x"], ["y"]), opset=7), "Where has at least 3 inputs"),
    "cycle": (model(node("Neg", ["z"], ["y"]), node("Relu", ["y"], ["z"])), "reads 'z', which nothing before it makes"),
    "unsorted": (model(node("Neg", ["z"], ["y"]), node("Relu", ["x"], ["z"])), "reads 'z'"),
    "read and never made": (model(node("Add", ["x", "nowhere"], ["y"])), "reads 'nowhere'"),
    "made twice": (model(node("Neg", ["x"], ["y"]), node("Relu", ["x"], ["y"])), "makes 'y', which is there already"),
    "an input made": (model(node("Neg", ["x"], ["x"]), node("Relu", ["x"], ["y"])), "makes 'x', which is there"),
    "output never made": (model(node("Neg", ["x"], ["z"])), "nothing makes the output 'y'"),
    "opset 0": (model(node("Relu", ["x"], ["y"]), opset=0), "there is no opset 0"),
    "opset beyond an int": (model(node("Relu", ["x"], ["y"]), opset=2**31), "there is no opset 2147483648"),
}


@pytest.mark.parametrize("open_model", [read_view, Model.load], ids=["view", "model"])
@pytest.mark.parametrize("case", sorted(BAD))
def test_refused(case: str, open_model: Callable[[Path], object], tmp_path: Path) -> None:
    bad, words = BAD[case]
    with pytest.raises(ModelError, match="not a valid ONNX model") as caught:
        open_model(saved(bad, tmp_path))
    assert words in caught.value.message
    assert "model.onnx" in caught.value.message


@pytest.mark.parametrize("wrap", [as_branch, as_function], ids=["branch", "function"])
def test_refused_inside(wrap: Callable[[onnx.ModelProto], onnx.ModelProto], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="Add has at least 2 inputs"):
        read_view(saved(wrap(BAD["too few inputs"][0]), tmp_path))


@pytest.mark.parametrize(
    ("dims", "data", "fits"),
    [([1], [7], True), ([], [7], True), ([0], [], True), ([2], [7], False), ([2**62], [7], False), ([-1], [7], False)],
)
def test_data_fits_its_shape(dims: list[int], data: list[int], fits: bool, tmp_path: Path) -> None:
    sound = model(node("Relu", ["x"], ["y"]))
    tensor = TensorProto(name="c", data_type=TensorProto.INT64, dims=dims, int64_data=data)
    sound.graph.initializer.append(tensor)
    path = saved(sound, tmp_path)
    if fits:
        assert read_view(path).main.constant("c") is not None
    else:
        with pytest.raises(ModelError, match="tensor 'c' does not fit its shape"):
            read_view(path)


def test_raw_data_fits_its_shape(tmp_path: Path) -> None:
    sound = model(node("Relu", ["x"], ["y"]))
    sound.graph.initializer.add(name="c", data_type=TensorProto.FLOAT16, dims=[3], raw_data=bytes(6))
    assert read_view(saved(sound, tmp_path)).main.constant("c") is not None
    sound.graph.initializer[-1].raw_data = bytes(7)
    with pytest.raises(ModelError, match="tensor 'c'"):
        read_view(saved(sound, tmp_path))


def test_what_the_toolkit_builds_is_read(tmp_path: Path) -> None:
    """A Squeeze of opset 13 in a model of opset 11, and two nodes of one name: 2.3.2 builds such."""
    newer = model(node("Unsqueeze", ["x"], ["z"], axes=[0]), node("Squeeze", ["z", "axes"], ["y"]), opset=11)
    assert len(read_view(saved(newer, tmp_path)).main.nodes) == 2


def test_unknown_operators_are_not_judged(tmp_path: Path) -> None:
    strange = model(node("Add", ["x"], ["z"], domain="com.example"), node("Whatever", ["z"], ["y"], axis=[1.0]))
    assert len(read_view(saved(strange, tmp_path)).main.nodes) == 2


def test_sound_models_are_read(tmp_path: Path) -> None:
    for sound in sound_models():
        assert read_view(saved(sound, tmp_path)).main.nodes


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    sound = model(node("Relu", ["x"], ["y"]))
    sound.metadata_props.add(key="author", value="SOMEBODY")
    sound.doc_string = "NOTES"
    data = sound.SerializeToString()
    path = tmp_path / "model.onnx"
    path.write_bytes(data.replace(b"SOMEBODY", b"SOME\xffODY"))
    with pytest.raises(ModelError, match="UTF-8"):
        read_view(path)
    path.write_bytes(data.replace(b"NOTES", b"NO\xffES"))  # nobody reads it
    assert read_view(path).metadata == {"author": "SOMEBODY"}
