from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from rkgraph.graph.rewrite import Rewrite
from rkgraph.targets import Target
from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK213"


def model(*shapes: tuple[int, ...], axis: int = 0, at: tuple[int, ...] = (2, 3), opset: int = 17) -> onnx.ModelProto:
    """Gathers of the same indices from random tables of these shapes; each is an output."""
    random = np.random.default_rng(0)
    names = [f"t{i}" for i in range(len(shapes))]
    tables = [numpy_helper.from_array(random.random(s, np.float32), n) for s, n in zip(shapes, names, strict=True)]
    nodes = [helper.make_node("Gather", [n, "at"], [f"y{n}"], axis=axis) for n in names]
    outputs = [helper.make_tensor_value_info(f"y{n}", 1, None) for n in names]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("at", 7, at)], outputs, tables)
    return onnx.shape_inference.infer_shapes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    )


@pytest.mark.parametrize(
    ("shapes", "axis"),
    [(((5, 4), (5, 4)), 0), (((5, 4), (5, 2), (5, 1)), 0), (((5,), (5,)), 0), (((5,), (5,)), -1),
     (((2, 5, 3), (2, 5, 4)), 1), (((2, 5), (3, 5)), -1), (((2, 3, 5), (2, 4, 5)), 2)],
)  # fmt: skip
@pytest.mark.parametrize("at", [(), (2,), (2, 3)])
@pytest.mark.parametrize("opset", [9, 17])
def test_tables_side_by_side(shapes: tuple[tuple[int, ...], ...], axis: int, at: tuple[int, ...], opset: int) -> None:
    before = model(*shapes, axis=axis, at=at, opset=opset)
    after, _ = fixed(before, CODE)
    assert operators(after).count("Gather") == 1
    indices = np.resize(np.array([0, -1, 4, 2, -5, 1]), at).astype(np.int64)
    for found, expected in zip(run(after, {"at": indices}), run(before, {"at": indices}), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_tables_of_different_lengths_keep_their_gathers() -> None:
    before = model((5, 4), (6, 4), (7, 4))
    after, (edit,) = fixed(before, CODE)
    assert isinstance(edit, Rewrite)
    indices = [node.input[1] for node in after.graph.node if node.op_type == "Gather"]
    assert len(indices) == len(set(indices)) == 3
    feeds = {"at": np.array([[0, -1, 4], [2, -5, 1]])}
    for found, expected in zip(run(after, feeds), run(before, feeds), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "text",
    ["a = Gather(t, i) b = Gather(t, i) y = Add(a, b)", "a = Gather(t, i) b = Gather(u, j) y = Add(a, b)",
     "a = Gather<axis = 0>(t, i) b = Gather<axis = 1>(u, i) y = Add(a, b)",
     "c = Gather(t, j) a = Gather(c, i) b = Gather(u, i) y = Add(a, b)",
     "a = Gather(t, k) b = Gather(u, k) c = Add(a, b) d = Gather(t, i) y = Add(c, d)"],
)  # fmt: skip
def test_near_misses(text: str) -> None:
    tables = "float[2, 2] t = {1, 2, 3, 4}, float[2, 2] u = {5, 6, 7, 8}, int64[2] k = {0, 1}"
    assert diagnostics(f"g (int64[2] i, int64[2] j) => (float[2, 2] y) <{tables}> {{ {text} }}", CODE) == ()


def test_other_versions_do_it_right() -> None:
    assert diagnostics(model((5, 4), (5, 4)), CODE, target=Target(toolkit="2.5.0")) == ()
    assert len(diagnostics(model((5, 4), (5, 4)), CODE, target=Target(toolkit="2.3.2"))) == 1
