"""Outputs handed out in another shape, as an edit: whatever is declared of them, and whatever names there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest

from rkgraph.graph.model import Model
from rkgraph.graph.rewrite import ReshapeOutputs
from tests.rules.harness import parse
from tests.rules.rewriting import run

TEXT = "g (float[2,3] x) => (float[2,3] y, float[2,3] z) { y = Neg(x) z = Abs(y) }"
EDIT = ReshapeOutputs({"y": (2, 3, 1, 1)}, {"y": "inner"})
NUMBERS = np.arange(6, dtype=np.float32).reshape(2, 3)


def reshaped(proto: onnx.ModelProto, folder: Path) -> Model:
    path = folder / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    model = Model.load(path)
    model.apply(EDIT)
    return model


def results(model: Model) -> list[npt.NDArray[Any]]:
    proto = model.proto(weights=True)
    onnx.checker.check_model(proto, full_check=True)
    return run(proto, {"x": NUMBERS})


@pytest.mark.parametrize("declared", ["scalar", "no shape", "dynamic"])
def test_an_output_whose_declared_shape_says_less_than_inference_knows(declared: str, tmp_path: Path) -> None:
    proto = parse(TEXT)
    tensor = proto.graph.output[0].type.tensor_type
    if declared == "no shape":
        tensor.ClearField("shape")
    elif declared == "scalar":
        del tensor.shape.dim[:]
    else:
        tensor.shape.dim[0].dim_param = "n"
    model = reshaped(proto, tmp_path)
    main = model.view().main
    assert main.value("y").shape == (2, 3, 1, 1)
    assert main.value("inner").shape == (2, 3)
    y, z = results(model)
    np.testing.assert_array_equal(y, -NUMBERS.reshape(2, 3, 1, 1))
    np.testing.assert_array_equal(z, NUMBERS)


def test_no_two_nodes_have_the_same_name(tmp_path: Path) -> None:
    proto = parse(TEXT)
    proto.graph.node[1].name = "inner/reshaped"
    model = reshaped(proto, tmp_path)
    names = [node.name for node in model.view().main.nodes if node.name]
    assert len(names) == len(set(names))
    np.testing.assert_array_equal(results(model)[0], -NUMBERS.reshape(2, 3, 1, 1))


@pytest.mark.parametrize("shape", [(2, 3, 2), (7,), (4,)])
def test_a_shape_of_another_number_of_elements_is_refused(shape: tuple[int, ...], tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(parse(TEXT).SerializeToString())
    model = Model.load(path)
    with pytest.raises(ValueError, match="is to become"):
        model.apply(ReshapeOutputs({"y": shape}, {"y": "inner"}))
