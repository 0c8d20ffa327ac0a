from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkgraph.targets import Target
from tests.rules.harness import diagnostics
from tests.rules.lowered import assert_lowered, one_node, refusal_of

CODE = "RK160"


def cumulative(x: np.ndarray, axis: int, **how: int) -> onnx.ModelProto:
    return one_node("CumSum", {"x": x}, how, constants={"axis": np.array(axis)})


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["int32", "int64"]),
    st.lists(st.integers(1, 9), min_size=1, max_size=3),
    st.integers(-3, 2),
    st.integers(0, 1),
    st.integers(0, 1),
)
def test_whole_numbers(dtype: str, shape: list[int], axis: int, exclusive: int, reverse: int) -> None:
    axis = max(min(axis, len(shape) - 1), -len(shape))
    info = np.iinfo(dtype)
    x = np.random.default_rng(0).integers(info.min, info.max, shape, dtype=dtype)
    model = cumulative(x, axis, exclusive=exclusive, reverse=reverse)
    assert_lowered(model, CODE, {"x": x}, gone="CumSum", rtol=0, atol=0)


@pytest.mark.parametrize("axis", [-1, -2, -3])
def test_an_axis_from_the_end(axis: int) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    assert assert_lowered(cumulative(x, axis, reverse=1), CODE, {"x": x}, rtol=0, atol=0) == ["CumSum"]
    assert diagnostics(cumulative(x, axis), CODE, target=Target(toolkit="2.5.0")) == ()


def test_an_axis_from_the_start_is_left_alone() -> None:
    assert diagnostics(cumulative(np.zeros((2, 3), np.float32), 1), CODE) == ()


def test_a_computed_axis_is_refused() -> None:
    model = one_node("CumSum", {"x": np.zeros((2, 3), np.int64), "axis": np.array([1])})
    assert "axis" in refusal_of(model, CODE)
