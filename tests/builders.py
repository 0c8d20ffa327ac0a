"""Small ONNX models for everybody's tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper, parser

__all__ = [
    "attention_block",
    "dynamic_model",
    "external_model",
    "saved",
    "shape_chain_model",
    "text_model",
    "weighted_model",
]

HEADER = '<ir_version: 8, opset_import: ["" : {opset}]>\n'


def text_model(text: str, opset: int = 17) -> onnx.ModelProto:
    """A checked model from ONNX text: a whole one (`<ir_version…> name (…) => (…) {…}`) or only its graph.

    Example: text_model("g (float[1, 4] x) => (float[1, 4] y) { y = Relu(x) }")
    """
    whole = text.strip()
    if not whole.startswith("<"):
        whole = HEADER.format(opset=opset) + whole
    model = parser.parse_model(whole)
    onnx.checker.check_model(model)
    return model


def saved(model: onnx.ModelProto, folder: Path, name: str = "model.onnx") -> Path:
    """The path of `model` written into `folder`."""
    path = folder / name
    path.write_bytes(model.SerializeToString())
    return path


def weighted_model(size: int = 128, seed: int = 0) -> onnx.ModelProto:
    """x[1, size] → MatMul with a weight of size² floats → Add of a bias → Relu → y. Nodes are named."""
    random = np.random.default_rng(seed)
    return _model(
        [
            helper.make_node("MatMul", ["x", "weight"], ["product"], name="matmul"),
            helper.make_node("Add", ["product", "bias"], ["sum"], name="add"),
            helper.make_node("Relu", ["sum"], ["y"], name="relu"),
        ],
        [_value("x", (1, size))],
        [_value("y", (1, size))],
        {
            "weight": random.standard_normal((size, size)).astype(np.float32),
            "bias": random.standard_normal(size).astype(np.float32),
        },
    )


def dynamic_model() -> onnx.ModelProto:
    """x: float[batch, 4] → MatMul with a weight → Relu → y like x."""
    return text_model("""
        g (float[batch, 4] x) => (float[batch, 4] y)
        <float[4, 4] w = {1, 0, 0, 0, 0, 2, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0.5}>
        {
            product = MatMul(x, w)
            y = Relu(product)
        }
    """)


def shape_chain_model() -> onnx.ModelProto:
    """ids, mask: int64[batch, sequence] → y: float[batch, sequence, 8], by a chain from Shape to Reshape."""
    return text_model("""
        g (int64[batch, sequence] ids, int64[batch, sequence] mask) => (float[batch, sequence, 8] y)
        <int64 zero = {0}, int64 one = {1}, int64[1] eight = {8}, int64[1] front = {0}, int64[1] last = {2}>
        {
            size = Shape(ids)
            batches = Gather(size, zero)
            steps = Gather(size, one)
            batches_1 = Unsqueeze(batches, front)
            steps_1 = Unsqueeze(steps, front)
            target = Concat<axis = 0>(batches_1, steps_1, eight)
            product = Mul(ids, mask)
            numbers = Cast<to = 1>(product)
            column = Unsqueeze(numbers, last)
            wide = Expand(column, target)
            y = Reshape(wide, target)
        }
    """)


def external_model(folder: Path, size: int = 128, location: str = "weights.bin") -> Path:
    """`weighted_model` saved into `folder` with all its weights, the bias too, in the file `location` beside it."""
    path = folder / "external.onnx"
    onnx.save(weighted_model(size), path, save_as_external_data=True, location=location, size_threshold=0)
    return path


def attention_block(
    batch: int | str = 1, sequence: int | str = 8, hidden: int = 16, heads: int = 2, seed: int = 0
) -> onnx.ModelProto:
    """One transformer block as exporters write it: attention with an additive mask, layer norms, feed forward, GELU.

    x: float[batch, sequence, hidden], mask: int64[batch, sequence] → y like x.
    """
    random = np.random.default_rng(seed)
    width = hidden // heads

    def weight(*shape: int) -> npt.NDArray[np.float32]:
        return (random.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32)

    constants: dict[str, npt.NDArray[Any]] = {
        "axes": np.array([1, 2], np.int64),
        "one": np.float32(1).reshape(()),
        "lowest": np.float32(np.finfo(np.float32).min).reshape(()),
        "scale": np.float32(np.sqrt(width)).reshape(()),
        "split": np.array([0, 0, heads, width], np.int64),
        "join": np.array([0, 0, hidden], np.int64),
        "root2": np.float32(np.sqrt(2)).reshape(()),
        "half": np.float32(0.5).reshape(()),
        "up": weight(hidden, 4 * hidden),
        "down": weight(4 * hidden, hidden),
    }
    nodes: list[onnx.NodeProto] = []

    def op(kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], name=f"/{output}/{kind}", **attributes))
        return output

    for name in "qkvo":
        constants[f"w_{name}"] = weight(hidden, hidden)
        constants[f"b_{name}"] = weight(hidden)
    for name in ("attention", "output"):
        constants[f"gain_{name}"] = np.ones(hidden, np.float32)
        constants[f"shift_{name}"] = np.zeros(hidden, np.float32)

    op("Unsqueeze", ["mask", "axes"], "mask_4d")
    op("Cast", ["mask_4d"], "mask_float", to=TensorProto.FLOAT)
    op("Sub", ["one", "mask_float"], "mask_inverted")
    op("Mul", ["mask_inverted", "lowest"], "mask_additive")
    for name, order in (("q", (0, 2, 1, 3)), ("k", (0, 2, 3, 1)), ("v", (0, 2, 1, 3))):
        op("MatMul", ["x", f"w_{name}"], f"{name}_product")
        op("Add", [f"{name}_product", f"b_{name}"], f"{name}_flat")
        op("Reshape", [f"{name}_flat", "split"], f"{name}_split")
        op("Transpose", [f"{name}_split"], f"{name}_heads", perm=order)
    op("MatMul", ["q_heads", "k_heads"], "scores")
    op("Div", ["scores", "scale"], "scores_scaled")
    op("Add", ["scores_scaled", "mask_additive"], "scores_masked")
    op("Softmax", ["scores_masked"], "weights", axis=-1)
    op("MatMul", ["weights", "v_heads"], "context_heads")
    op("Transpose", ["context_heads"], "context_split", perm=(0, 2, 1, 3))
    op("Reshape", ["context_split", "join"], "context")
    op("MatMul", ["context", "w_o"], "o_product")
    op("Add", ["o_product", "b_o"], "o_sum")
    op("Add", ["o_sum", "x"], "attention_sum")
    op("LayerNormalization", ["attention_sum", "gain_attention", "shift_attention"], "attention_norm", axis=-1)
    op("MatMul", ["attention_norm", "up"], "inner")
    op("Div", ["inner", "root2"], "gelu_scaled")
    op("Erf", ["gelu_scaled"], "gelu_erf")
    op("Add", ["gelu_erf", "one"], "gelu_sum")
    op("Mul", ["inner", "gelu_sum"], "gelu_double")
    op("Mul", ["gelu_double", "half"], "gelu")
    op("MatMul", ["gelu", "down"], "outer")
    op("Add", ["outer", "attention_norm"], "output_sum")
    op("LayerNormalization", ["output_sum", "gain_output", "shift_output"], "y", axis=-1)
    shape = (batch, sequence, hidden)
    return _model(
        nodes,
        [_value("x", shape), _value("mask", (batch, sequence), TensorProto.INT64)],
        [_value("y", shape)],
        constants,
    )


def _value(name: str, shape: Sequence[int | str], dtype: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)


def _model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    constants: dict[str, npt.NDArray[Any]],
) -> onnx.ModelProto:
    initializers = [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "graph", inputs, outputs, initializers)
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    onnx.checker.check_model(model, full_check=True)
    return model
