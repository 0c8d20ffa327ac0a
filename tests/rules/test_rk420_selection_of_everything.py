from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from tests.rules.harness import diagnostics
from tests.rules.rewriting import fixed, operators, run

CODE = "RK420"


def model(op: str, x: npt.NDArray[Any], indices: npt.NDArray[Any], shape: tuple[int, ...], **attributes: Any) -> Any:
    dtype = helper.np_dtype_to_tensor_dtype(x.dtype)
    nodes = [
        helper.make_node("Identity", ["x"], ["r"]),
        helper.make_node(op, ["r", "i"], ["g"], **attributes),
        helper.make_node("Identity", ["g"], ["y"]),
    ]
    inputs = [helper.make_tensor_value_info("x", dtype, x.shape)]
    outputs = [helper.make_tensor_value_info("y", dtype, shape)]
    graph = helper.make_graph(nodes, "g", inputs, outputs, [numpy_helper.from_array(indices, "i")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def tuples(shape: tuple[int, ...], width: int, batch: int) -> npt.NDArray[np.int64]:
    """All places of `width` axes behind `batch` ones, as GatherND wants them."""
    places = np.stack(np.meshgrid(*map(np.arange, shape[batch : batch + width]), indexing="ij"), -1)
    return np.ascontiguousarray(np.broadcast_to(places, (*shape[:batch], *places.shape))).astype("i8")


@settings(max_examples=25, deadline=None)
@given(
    shape=st.lists(st.integers(1, 3), min_size=2, max_size=4).map(tuple),
    dtype=st.sampled_from(["f4", "i8", "?"]),
    batch=st.integers(0, 1),
    change=st.sampled_from(["none", "negative", "swap", "repeat"]),
    data=st.data(),
)
def test_tuples(shape: tuple[int, ...], dtype: str, batch: int, change: str, data: st.DataObject) -> None:
    width = data.draw(st.integers(1, len(shape) - batch))
    indices = tuples(shape, width, batch)
    rows = indices.reshape(-1, width)
    if change == "negative":
        rows[:, 0] -= shape[batch]
    elif change == "swap":
        rows[[0, -1]] = rows[[-1, 0]]
    elif change == "repeat":
        rows[-1] = rows[0]
    x = (np.arange(math.prod(shape)) % 7 > 2 if dtype == "?" else np.arange(math.prod(shape))).astype(dtype)
    x = x.reshape(shape)
    text = model("GatherND", x, indices, (*indices.shape[:-1], *shape[batch + width :]), batch_dims=batch)
    after, _ = fixed(text, CODE)
    is_whole = change in ("none", "negative") or len(rows) // math.prod(shape[:batch]) == 1
    if is_whole:
        assert "GatherND" not in operators(after)
    np.testing.assert_array_equal(run(after, {"x": x})[0], run(text, {"x": x})[0])


@pytest.mark.parametrize(
    ("places", "goes"), [([0, 1, 2], True), ([-3, -2, 2], True), ([0, 2, 1], False), ([0, 1], False)]
)
@pytest.mark.parametrize("axis", [1, -2])
def test_places_along_an_axis(places: list[int], goes: bool, axis: int) -> None:
    x = np.arange(12, dtype="f").reshape(2, 3, 2)
    text = model("Gather", x, np.array(places), (2, len(places), 2), axis=axis)
    after, _ = fixed(text, CODE)
    assert ("Gather" not in operators(after)) == goes
    np.testing.assert_array_equal(run(after, {"x": x})[0], run(text, {"x": x})[0])


def test_a_table_of_places_reshapes() -> None:
    x = np.arange(8, dtype="f").reshape(4, 2)
    text = model("Gather", x, np.array([[0, 1], [2, 3]]), (2, 2, 2), axis=0)
    after, _ = fixed(text, CODE)
    assert "Reshape" in operators(after)
    np.testing.assert_array_equal(run(after, {"x": x})[0], run(text, {"x": x})[0])


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("change", [False, True])
def test_places_of_elements(axis: int, change: bool) -> None:
    x = np.arange(6, dtype="f").reshape(2, 3)
    indices = np.indices((2, 3))[axis].astype("i8")
    if change:
        indices[0] = indices[0][::-1] if axis else 1 - indices[0]
    text = model("GatherElements", x, indices, (2, 3), axis=axis)
    after, _ = fixed(text, CODE)
    assert ("GatherElements" in operators(after)) == change
    np.testing.assert_array_equal(run(after, {"x": x})[0], run(text, {"x": x})[0])


def test_places_that_are_computed_are_left_alone() -> None:
    text = "g (float[3] x, int64[3] i) => (float[3] y) { y = Gather(x, i) }"
    assert diagnostics(text, CODE) == ()
