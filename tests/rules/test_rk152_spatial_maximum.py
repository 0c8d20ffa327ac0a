from __future__ import annotations

import numpy as np
import pytest

from tests.rules.harness import diagnostics
from tests.rules.lowered import assert_lowered, one_node
from tests.rules.rewriting import fixed, operators, run

CODE = "RK152"


@pytest.mark.parametrize("op", ["ReduceMax", "ReduceMin"])
@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("shape", [(2, 3, 7), (1, 4, 5, 6), (1, 2, 3, 4, 5)])
@pytest.mark.parametrize("opset", [12, 18])
def test_planes_are_pooled(op: str, keepdims: int, shape: tuple[int, ...], opset: int) -> None:
    inputs = {"x": np.random.default_rng(0).normal(size=shape).astype(np.float32)}
    axes = [axis - len(shape) for axis in range(2, len(shape))]
    said, constants = ({"axes": axes}, {}) if opset < 18 else ({}, {"a": np.array(axes)})
    model = one_node(op, inputs, {**said, "keepdims": keepdims}, opset=opset, constants=constants)
    if diagnostics(model, CODE):
        assert_lowered(model, CODE, inputs, gone=op, rtol=0, atol=0)
    else:
        assert len(shape) == 5, "the op table has it on the CPU"


@pytest.mark.parametrize("axes", [[1], [2], [1, 2, 3], [0, 2, 3]])
def test_other_axes_are_left_alone(axes: list[int]) -> None:
    inputs = {"x": np.zeros((1, 2, 3, 4), np.float32)}
    assert diagnostics(one_node("ReduceMax", inputs, {"axes": axes}, opset=13), CODE) == ()


def test_whole_numbers_are_left_alone() -> None:
    inputs = {"x": np.zeros((1, 2, 3, 4), np.int32)}
    assert diagnostics(one_node("ReduceMax", inputs, {"axes": [2, 3]}, opset=13), CODE) == ()


def channels_last(op: str, axes: str, keepdims: int, perm: str = "0, 2, 3, 1") -> str:
    out = "2, 1, 1, 3" if keepdims else "2, 3"
    return f"""<ir_version: 8, opset_import: ["" : 13]> g (float[2, 3, 4, 5] x) => (float[{out}] y)
    {{ t = Transpose<perm = [{perm}]>(x) y = {op}<axes = [{axes}], keepdims = {keepdims}>(t) }}"""


@pytest.mark.parametrize("op", ["ReduceMax", "ReduceMin"])
@pytest.mark.parametrize("axes", ["1, 2", "-2, -3"])
@pytest.mark.parametrize("keepdims", [0, 1])
def test_channels_that_were_moved_last_are_pooled_where_they_were(op: str, axes: str, keepdims: int) -> None:
    text = channels_last(op, axes, keepdims)
    after, _ = fixed(text, CODE)
    assert "GlobalMaxPool" in operators(after)
    feeds = {"x": np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)}
    np.testing.assert_array_equal(run(after, feeds)[0], run(text, feeds)[0])


@pytest.mark.parametrize(("axes", "perm"), [("1, 3", "0, 2, 3, 1"), ("1, 2", "0, 3, 2, 1"), ("1, 2", "2, 0, 3, 1")])
def test_other_axes_of_other_transposes_are_left_alone(axes: str, perm: str) -> None:
    text = channels_last("ReduceMax", axes, 0, perm).replace("float[2, 3] y", "float[a, b] y")
    assert diagnostics(text, CODE) == ()
