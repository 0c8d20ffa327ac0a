from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper

from rkgraph.graph.rewrite import Rewrite
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed

CODE = "RK115"
WEIGHTS = "<float[1, 3, 1] w = {1, 2, 3}, float[1, 3, 1] r = {1, 2, 3}>"
MODEL = f"g (float[3, 2, 1] x) => (float[1, 2, 1] y) {WEIGHTS} {{ , y = GRU<hidden_size = 1>(x, w, r) }}"


def test_an_output_left_out_before_another_is_found_and_named() -> None:
    (found,) = diagnostics(MODEL, CODE)
    assert found.at.op == "GRU"
    model, edits = fixed(MODEL, CODE)
    assert [type(edit) for edit in edits] == [Rewrite]
    assert all(model.graph.node[0].output)
    assert diagnostics(model, CODE) == ()


def test_outputs_left_out_at_the_end_are_not() -> None:
    ends = f"g (float[3, 2, 1] x) => (float[3, 1, 2, 1] y) {WEIGHTS} {{ y, = GRU<hidden_size = 1>(x, w, r) }}"
    assert diagnostics(ends, CODE) == ()
    assert diagnostics("g (float[4] x) => (float[4] y) { y = Neg(x) }", CODE) == ()


def test_one_in_the_middle_is_found() -> None:
    """LSTM without its last hidden state, made with the helper: text says it less plainly."""
    weights = [helper.make_tensor(n, TensorProto.FLOAT, [1, 4, 1], np.ones(4, np.float32)) for n in ("w", "r")]
    shapes = {"y": [3, 1, 2, 1], "c": [1, 2, 1]}
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    source = helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 2, 1])
    node = helper.make_node("LSTM", ["x", "w", "r"], ["y", "", "c"], hidden_size=1)
    graph = helper.make_graph([node], "g", [source], outputs, weights)
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (found,) = diagnostics(model, CODE)
    assert found.observed == {"outputs": ["y", "", "c"]}
