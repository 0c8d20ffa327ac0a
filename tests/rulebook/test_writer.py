"""What a Writer records means the same at every opset: each operation, at each opset, in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper

from rkgraph.graph.model import Model
from rkgraph.graph.rewrite import EXACT
from rkgraph.rulebook.writer import Writer
from tests.rules.rewriting import run

Array = npt.NDArray[np.float32]

X: Array = np.random.default_rng(0).normal(size=(2, 1, 3, 4)).astype(np.float32)


def padded(x: Array) -> Array:
    return np.pad(x, ((0, 0), (0, 0), (1, 0), (0, 2)), constant_values=7)


OPERATIONS: dict[str, tuple[Callable[[Writer, str], str], Callable[[Array], Array]]] = {
    "cast": (lambda w, x: w.cast(w.cast(x, "int32"), "float32"), np.trunc),
    "reshape": (lambda w, x: w.reshape(x, (0, -1)), lambda x: x.reshape(2, 12)),
    "transpose": (lambda w, x: w.transpose(x, (3, 0, 1, 2)), lambda x: x.transpose(3, 0, 1, 2)),
    "transpose nothing": (lambda w, x: w.transpose(x, (0, 1, 2, 3)), lambda x: x),
    "squeeze": (lambda w, x: w.squeeze(x, (1,)), lambda x: x[:, 0]),
    "unsqueeze": (lambda w, x: w.unsqueeze(x, (0, 5)), lambda x: x[None, ..., None]),
    "mean": (lambda w, x: w.reduce("ReduceMean", x, (-1, 1)), lambda x: x.mean((-1, 1), keepdims=True)),
    "sum": (lambda w, x: w.reduce("ReduceSum", x, (2,), keepdims=False), lambda x: x.sum(2)),
    "sum of nothing": (lambda w, x: w.reduce("ReduceSum", x, ()), lambda x: x),
    "clip": (lambda w, x: w.clip(x, "float32", -0.5, 0.25), lambda x: np.clip(x, -0.5, 0.25)),
    "clip below": (lambda w, x: w.clip(x, "float32", 0.0), lambda x: np.maximum(x, 0)),
    "clip above": (lambda w, x: w.clip(x, "float32", high=0.0), lambda x: np.minimum(x, 0)),
    "slice": (lambda w, x: w.slice(x, (0, -1), (1, -3), (9, -1)), lambda x: x[1:9, ..., -3:-1]),
    "pad": (lambda w, x: w.pad(x, "float32", (0, 0, 1, 0, 0, 0, 0, 2), 7.0), padded),
    "split": (lambda w, x: w.concat(w.split(x, 3, (1, 3))[::-1], 3), lambda x: np.roll(x, -1, 3)),
    "one part": (lambda w, x: w.concat(w.split(x, 3, (4,)), 3), lambda x: x),
}  # fmt: skip

OPSETS = (9, 10, 11, 12, 13, 15, 17, 18, 19, 20, 21)


def written(operation: Callable[[Writer, str], str], opset: int, folder: object) -> onnx.ModelProto:
    """y = operation(x) at an opset: a model of one Neg, whose result the operation's replaces."""
    neg = helper.make_node("Neg", ["x"], ["y"])
    graph = helper.make_graph([neg], "g", [info("x", X.shape)], [info("y", None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    path = folder / "model.onnx"  # type: ignore[operator]
    path.write_bytes(model.SerializeToString())
    held = Model.load(path)
    writer = Writer(held.view().main, "test")
    held.apply(writer.rewrite({"y": operation(writer, "x")}, EXACT))
    return held.proto(weights=True)


def info(name: str, shape: tuple[int, ...] | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_means_the_same_at_every_opset(name: str, opset: int, tmp_path: object) -> None:
    operation, expected = OPERATIONS[name]
    (actual,) = run(written(operation, opset, tmp_path), {"x": X})
    np.testing.assert_allclose(actual, expected(X), rtol=1e-6, atol=1e-7)


def test_steps_need_opset_10(tmp_path: object) -> None:
    def step(w: Writer, x: str) -> str:
        return w.slice(x, (3,), (0,), (4,), (2,))

    with pytest.raises(ValueError, match="no steps"):
        written(step, 9, tmp_path)
    (actual,) = run(written(step, 10, tmp_path), {"x": X})
    np.testing.assert_array_equal(actual, X[..., ::2])
