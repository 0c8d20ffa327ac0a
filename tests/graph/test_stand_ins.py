"""Inference looks through ONNX Runtime's own operators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper

from tests.rules.harness import view_of
from tests.rules.microsoft_models import Shape, floats, microsoft

WHOLE = (2, 3, 8)


@pytest.mark.parametrize(
    ("op", "inputs", "constants", "attributes", "shape"),
    [
        ("SkipLayerNormalization", ["x", "x", "g"], {"g": (8,)}, {}, WHOLE),
        ("Attention", ["x", "w"], {"w": (8, 24)}, {"num_heads": 2}, WHOLE),
        ("Attention", ["x", "w"], {"w": (8, 20)}, {"num_heads": 2, "qkv_hidden_sizes": [8, 8, 4]}, (2, 3, 4)),
        ("GemmFastGelu", ["x", "w"], {"w": (8, 5)}, {}, (2, 3, 5)),
        ("QAttention", ["x", "w", "b", "s", "s"], {"w": (8, 24), "b": (24,), "s": ()}, {"num_heads": 2}, WHOLE),
        ("FusedMatMul", ["x", "w"], {"w": (5, 8)}, {"transB": 1}, (2, 3, 5)),
        ("FusedMatMul", ["x", "w"], {"w": (8, 5)}, {}, (2, 3, 5)),
        ("MatMulNBits", ["x", "w", "s"], {"w": (5, 1, 8), "s": (5,)}, {"K": 8, "N": 5, "block_size": 16}, (2, 3, 5)),
        ("DynamicQuantizeMatMul", ["x", "w", "s"], {"w": (8, 5), "s": (1,)}, {}, (2, 3, 5)),
        ("GroupQueryAttention", ["x", "x", "x"], {}, {"num_heads": 2, "kv_num_heads": 2}, WHOLE),
        ("GroupQueryAttention", ["x", "", ""], {}, {"num_heads": 2, "kv_num_heads": 1}, (2, 3, 4)),
        ("GroupQueryAttention", ["x"], {}, {"num_heads": 4, "kv_num_heads": 2}, (2, 3, 4)),
        ("DynamicQuantizeLSTM", ["x", "w", "r"], {"w": (1, 8, 16), "r": (1, 4, 16)}, {"hidden_size": 4}, (2, 1, 3, 4)),
    ],
)
def test_the_shape_behind_an_operator_is_known(
    op: str, inputs: list[str], constants: dict[str, Shape], attributes: dict[str, Any], shape: Shape
) -> None:
    arrays = {
        name: np.zeros(size, "u1" if op == "MatMulNBits" and name == "w" else "f") for name, size in constants.items()
    }
    model = microsoft(op, inputs, {"m": None}, fed={"x": floats(0, *WHOLE)}, constants=arrays, **attributes)
    model.graph.node[0].output[0] = "m"
    model.graph.node.add(op_type="Relu", input=["m"], output=["y"])
    model.graph.output.append(helper.make_empty_tensor_value_info("y"))
    main = view_of(model).main
    assert [node.op for node in main.nodes] == [op, "Relu"]
    assert (main.value("m").dtype, main.value("m").shape) == ("float32", tuple(shape))
    assert main.value("y").shape == tuple(shape)


@pytest.mark.parametrize(
    ("op", "inputs", "constants", "attributes", "shape"),
    [
        ("GroupNorm", ["x", "g", "g"], {"g": (6,)}, {"groups": 2, "activation": 1}, (1, 5, 5, 6)),
        ("SkipGroupNorm", ["x", "g", "g", "x"], {"g": (6,)}, {"groups": 2, "activation": 1}, (1, 5, 5, 6)),
        ("NhwcConv", ["x", "w"], {"w": (4, 3, 3, 6)}, {"kernel_shape": [3, 3]}, (1, 3, 3, 4)),
        ("NhwcConv", ["x", "w"], {"w": (4, 6, 3, 3)}, {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}, (1, 5, 5, 4)),
        ("NhwcFusedConv", ["x", "w"], {"w": (4, 6, 1, 1)}, {"kernel_shape": [1, 1]}, (1, 5, 5, 4)),
    ],
)
def test_the_shape_of_an_image_is_known(
    op: str, inputs: list[str], constants: dict[str, Shape], attributes: dict[str, Any], shape: Shape
) -> None:
    arrays = {name: np.zeros(size, "f") for name, size in constants.items()}
    model = microsoft(op, inputs, {"m": None}, fed={"x": floats(0, 1, 5, 5, 6)}, constants=arrays, **attributes)
    model.graph.node[0].output[0] = "m"
    model.graph.node.add(op_type="Relu", input=["m"], output=["y"])
    model.graph.output.append(helper.make_empty_tensor_value_info("y"))
    assert view_of(model).main.value("y").shape == shape


def test_the_shape_of_distances_is_known() -> None:
    fed = {"a": floats(0, 4, 3), "b": floats(1, 5, 3)}
    model = microsoft("CDist", ["a", "b"], {"m": None}, fed=fed)
    model.graph.node[0].output[0] = "m"
    model.graph.node.add(op_type="Relu", input=["m"], output=["y"])
    model.graph.output.append(helper.make_empty_tensor_value_info("y"))
    assert view_of(model).main.value("y").shape == (4, 5)


def test_what_cannot_be_made_stays_unknown() -> None:
    model = microsoft("FusedMatMul", ["x", "x"], {"y": (2, 8, 8)}, fed={"x": floats(0, *WHOLE)}, transA=1)
    model.graph.output[0].type.tensor_type.ClearField("shape")
    assert view_of(model).main.value("y").shape is None
